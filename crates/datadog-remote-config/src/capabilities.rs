//! What a client can do with configuration: a number of bits, written big-endian in as few bytes as it takes.

/// AppSec can be turned on and off.
pub const ASM_ACTIVATION: u8 = 1;
/// AppSec blocks addresses.
pub const ASM_IP_BLOCKING: u8 = 2;
/// AppSec takes rules of Datadog.
pub const ASM_DD_RULES: u8 = 3;
/// AppSec takes exclusions.
pub const ASM_EXCLUSIONS: u8 = 4;
/// AppSec blocks requests.
pub const ASM_REQUEST_BLOCKING: u8 = 5;
/// AppSec blocks users.
pub const ASM_USER_BLOCKING: u8 = 7;
/// AppSec takes rules of the user.
pub const ASM_CUSTOM_RULES: u8 = 8;

/// The bits as they are sent; empty without any.
#[must_use]
pub fn encode(bits: &[u8]) -> Vec<u8> {
    let Some(highest) = bits.iter().max() else {
        return Vec::new();
    };
    let mut bytes = vec![0; usize::from(highest / 8) + 1];
    for bit in bits {
        let place = bytes.len() - 1 - usize::from(bit / 8);
        if let Some(byte) = bytes.get_mut(place) {
            *byte |= 1 << (bit % 8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn bits_are_written_as_other_agents_write_them() {
        for (bits, expected) in [
            (&[1][..], "Ag=="),
            (&[2], "BA=="),
            (&[1, 2], "Bg=="),
            (&[12, 13, 14, 15], "8AA="),
            (&[1, 44], "EAAAAAAC"),
            (&[44, 1, 1], "EAAAAAAC"),
            (&[0], "AQ=="),
            (&[], ""),
        ] {
            assert_eq!(STANDARD.encode(encode(bits)), expected, "{bits:?}");
        }
        assert_eq!(encode(&[255]).len(), 32);
    }
}
