//! Configuration of another organisation.

use std::collections::BTreeMap;

use datadog_remote_config::Error;
use datadog_remote_config::verify::Context;

use crate::signer::{Backend, target};
use crate::{NOW, begin, contents};

#[test]
fn the_snapshot_is_of_the_organisation_that_the_backend_named() {
    let mut backend = Backend::new();
    backend.config.org_uuid = Some("u-1");
    let trusted = begin(&backend);
    let update = backend.update();
    let check = |known: &[(u64, &str)]| {
        let org_uuids: BTreeMap<_, _> = known
            .iter()
            .map(|(version, org)| (*version, (*org).to_owned()))
            .collect();
        let context = Context {
            now: NOW,
            org_uuids: &org_uuids,
            org_id: None,
        };
        trusted.update(&update, &context)
    };
    assert_eq!(check(&[]), Err(Error::OrgUnknown { root_version: 1 }));
    assert_eq!(
        check(&[(2, "u-1")]),
        Err(Error::OrgUnknown { root_version: 1 })
    );
    assert_eq!(contents(&check(&[(1, "u-1")]).unwrap().trusted).len(), 2);
    let error = check(&[(1, "u-2")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "config snapshot: organisation u-1 instead of u-2"
    );
}

#[test]
fn a_key_of_remote_configuration_is_for_its_own_organisation_and_for_employees() {
    let mut backend = Backend::new();
    let employee = "employee/ASM_DD/x/y";
    let mut files = backend.config.files.clone();
    files[employee] = target(b"e");
    backend.config.files = files;
    backend.director.files[employee] = target(b"e");
    backend.files.insert(employee.to_owned(), "e".into());
    let trusted = begin(&backend);
    let check = |org_id| {
        let context = Context {
            now: NOW,
            org_uuids: &BTreeMap::new(),
            org_id,
        };
        let verified = trusted.update(&backend.update(), &context);
        verified.map(|verified| contents(&verified.trusted).len())
    };
    assert_eq!(check(None), Ok(3));
    assert_eq!(check(Some(2)), Ok(3));
    assert_eq!(
        check(Some(3)).unwrap_err().to_string(),
        "director targets: datadog/2/APM_TRACING/rates/config: belongs to another organisation than 3"
    );
}
