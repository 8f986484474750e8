//! Messages of protobuf as lists of fields, for the second decoder. Only for tests.

/// A message: the numbers of its fields and what they hold.
#[derive(Default, Clone)]
pub(crate) struct Fields(pub(crate) Vec<(u64, Wire)>);

#[derive(Clone)]
pub(crate) enum Wire {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Wire {
    pub(crate) fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Bytes(_) => 0,
        }
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Number(_) => Err("a number".to_owned()),
            Self::Bytes(bytes) => Ok(bytes.clone()),
        }
    }
}

impl Fields {
    pub(crate) fn parse(mut message: &[u8]) -> Result<Self, String> {
        let mut fields = Vec::new();
        while !message.is_empty() {
            let tag = varint(&mut message)?;
            let content = match tag % 8 {
                0 => Wire::Number(varint(&mut message)?),
                1 => {
                    let bits = take(&mut message, 8)?.try_into().map_err(|_| "fixed64")?;
                    Wire::Number(u64::from_le_bytes(bits))
                }
                2 => {
                    let length = varint(&mut message)?;
                    Wire::Bytes(take(&mut message, length)?.to_vec())
                }
                5 => Wire::Bytes(take(&mut message, 4)?.to_vec()),
                _ => return Err("groups are not understood here".to_owned()),
            };
            fields.push((tag / 8, content));
        }
        Ok(Self(fields))
    }

    pub(crate) fn all(&self, number: u64) -> impl Iterator<Item = &Wire> {
        self.0
            .iter()
            .filter(move |field| field.0 == number)
            .map(|field| &field.1)
    }

    pub(crate) fn last(&self, number: u64) -> Option<&Wire> {
        self.all(number).last()
    }

    pub(crate) fn number(&self, number: u64) -> u64 {
        self.last(number).map_or(0, Wire::number)
    }

    pub(crate) fn text(&self, number: u64) -> Result<String, String> {
        let bytes = self.last(number).map_or(Ok(Vec::new()), Wire::bytes)?;
        String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
    }

    pub(crate) fn messages(&self, number: u64) -> Result<Vec<Self>, String> {
        self.all(number)
            .map(|field| Self::parse(&field.bytes()?))
            .collect()
    }

    pub(crate) fn message(&self, number: u64) -> Result<Option<Self>, String> {
        self.last(number)
            .map(|field| Self::parse(&field.bytes()?))
            .transpose()
    }

    pub(crate) fn numbers(&self, number: u64) -> Result<Vec<u64>, String> {
        let mut numbers = Vec::new();
        for field in self.all(number) {
            match field {
                Wire::Number(number) => numbers.push(*number),
                Wire::Bytes(packed) => {
                    let mut packed = &packed[..];
                    while !packed.is_empty() {
                        numbers.push(varint(&mut packed)?);
                    }
                }
            }
        }
        Ok(numbers)
    }

    pub(crate) fn doubles(&self) -> Result<Vec<f64>, String> {
        let mut doubles = Vec::new();
        for field in self.all(10) {
            match field {
                Wire::Number(bits) => doubles.push(f64::from_bits(*bits)),
                Wire::Bytes(packed) => {
                    for bits in packed.chunks(8) {
                        let bits = bits.try_into().map_err(|_| "fixed64")?;
                        doubles.push(f64::from_le_bytes(bits));
                    }
                }
            }
        }
        Ok(doubles)
    }
}

/// The number of an `sint64`.
pub(crate) fn zigzag(value: u64) -> i64 {
    let half = i64::try_from(value / 2).unwrap();
    if value.is_multiple_of(2) {
        half
    } else {
        -half - 1
    }
}

fn varint(message: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(message, 1)?[0];
        value |= u64::from(byte % 128) << shift;
        if byte < 128 {
            return Ok(value);
        }
    }
    Err("a varint without end".to_owned())
}

fn take<'a>(message: &mut &'a [u8], length: u64) -> Result<&'a [u8], String> {
    let length = usize::try_from(length).map_err(|_| "too long")?;
    let (taken, rest) = message.split_at_checked(length).ok_or("cut short")?;
    *message = rest;
    Ok(taken)
}
