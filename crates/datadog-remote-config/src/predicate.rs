//! Which clients a file is for.
//!
//! A predicate that cannot be understood matches nobody, and spoils no other file.

mod constraint;
mod version;

pub use constraint::{Constraint, Unreadable};

/// What a client must be; an empty text asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Predicate {
    /// The identifier of the client.
    pub client_id: String,
    /// The service of its tracer.
    pub service: String,
    /// The environment of its tracer.
    pub environment: String,
    /// The version of the application.
    pub app_version: String,
    /// A [`Constraint`] on the version of the tracer.
    pub tracer_version: String,
    /// The language of the tracer.
    pub language: String,
    /// The identifier of the process.
    pub runtime_id: String,
}

/// A client that asks for configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// What it says of its tracer; `None` if it is none, and only its identifier counts.
    pub tracer: Option<Tracer<'a>>,
}

/// What a tracer says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracer<'a> {
    /// The identifier of the process.
    pub runtime_id: &'a str,
    /// The service.
    pub service: &'a str,
    /// The environment.
    pub env: &'a str,
    /// The language.
    pub language: &'a str,
    /// The version of the application.
    pub app_version: &'a str,
    /// The version of the tracer.
    pub tracer_version: &'a str,
}

impl Predicate {
    /// Whether a file with these predicates is for the client: without any, or if one of them matches.
    #[must_use]
    pub fn any_matches(predicates: &[Self], client: &Client<'_>) -> bool {
        predicates.is_empty() || predicates.iter().any(|one| one.matches(client) == Ok(true))
    }

    /// Whether the client is all that this asks for.
    ///
    /// # Errors
    /// When everything else matches but the constraint, or the version that the tracer gives, cannot be read.
    pub fn matches(&self, client: &Client<'_>) -> Result<bool, Unreadable> {
        let is = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
        if !is(&self.client_id, client.id) {
            return Ok(false);
        }
        let Some(tracer) = client.tracer else {
            return Ok(true);
        };
        let same = is(&self.runtime_id, tracer.runtime_id)
            && is(&self.service, tracer.service)
            && is(&self.environment, tracer.env)
            && is(&self.language, tracer.language)
            && is(&self.app_version, tracer.app_version);
        if !same || self.tracer_version.is_empty() {
            return Ok(same);
        }
        Constraint::parse(&self.tracer_version)?.matches(tracer.tracer_version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Member = fn(&mut Predicate) -> &mut String;

    const CLIENT: Client<'_> = Client {
        id: "c1",
        tracer: Some(Tracer {
            runtime_id: "r1",
            service: "web",
            env: "prod",
            language: "go",
            app_version: "1.0",
            tracer_version: "1.64.0",
        }),
    };

    fn with(set: impl FnOnce(&mut Predicate)) -> Predicate {
        let mut predicate = Predicate::default();
        set(&mut predicate);
        predicate
    }

    #[track_caller]
    fn check(predicates: &[Predicate], expected: bool) {
        assert_eq!(Predicate::any_matches(predicates, &CLIENT), expected);
    }

    #[test]
    fn without_predicates_a_file_is_for_everybody() {
        check(&[], true);
        check(&[Predicate::default()], true);
    }

    #[test]
    fn every_member_of_a_predicate_must_be_the_clients() {
        let members: [(Member, &str); 6] = [
            (|p| &mut p.client_id, "c1"),
            (|p| &mut p.runtime_id, "r1"),
            (|p| &mut p.service, "web"),
            (|p| &mut p.environment, "prod"),
            (|p| &mut p.language, "go"),
            (|p| &mut p.app_version, "1.0"),
        ];
        for (member, value) in members {
            check(&[with(|p| value.clone_into(member(p)))], true);
            check(&[with(|p| *member(p) = value.to_uppercase() + "x")], false);
        }
        check(&[with(|p| "WEB".clone_into(&mut p.service))], false);
        let both = with(|p| {
            "web".clone_into(&mut p.service);
            "dev".clone_into(&mut p.environment);
        });
        check(&[both], false);
    }

    #[test]
    fn one_matching_predicate_is_enough() {
        let api = with(|p| "api".clone_into(&mut p.service));
        let prod = with(|p| "prod".clone_into(&mut p.environment));
        check(&[api, prod], true);
    }

    #[test]
    fn the_version_of_the_tracer_is_constrained() {
        let version = |text: &str| with(|p| text.clone_into(&mut p.tracer_version));
        for (constraint, expected) in [
            (">=1.60.0", true),
            ("1.60.0", false),
            ("~1.64", true),
            ("<1.0 || >=1.64", true),
            ("nonsense", false),
        ] {
            check(&[version(constraint)], expected);
        }
        check(&[version("nonsense"), Predicate::default()], true);
        assert!(version("nonsense").matches(&CLIENT).is_err());
    }

    #[test]
    fn of_other_clients_only_the_identifier_counts() {
        let agent = Client {
            id: "a",
            tracer: None,
        };
        let web = with(|p| "web".clone_into(&mut p.service));
        let id = with(|p| "b".clone_into(&mut p.client_id));
        assert_eq!(web.matches(&agent), Ok(true));
        assert_eq!(id.matches(&agent), Ok(false));
    }
}
