//! What the development intake signs, believed or refused here: neither side shares code with the other.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use datadog_dev_intake::{
    Intake, RemoteConfig, RemoteConfigSettings, Repository, Tamper, config_root, director_root,
};
use datadog_remote_config::path::logical;
use datadog_remote_config::verify::{Context, Metadata, Verified};
use datadog_remote_config::{Error, Trusted, Update};
use datadog_wire::remote_config::{
    CONFIGURATIONS_PATH, DirectorMetas, LatestConfigsRequest, LatestConfigsResponse, ORG_PATH,
    OrgDataResponse, TopMeta,
};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::contents;

const RATES: &str = "datadog/2/APM_TRACING/rates/config";
const NEWS: &str = "datadog/2/NEW_PRODUCT/news/config";

/// Seconds since 1970, which the intake goes by too.
#[allow(clippy::disallowed_methods, reason = "the intake has a clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs().try_into().unwrap()
}

/// An agent that keeps nothing but what it believes.
struct Agent {
    trusted: Trusted,
    org_uuids: BTreeMap<u64, String>,
    products: Vec<String>,
    new_products: Vec<String>,
}

impl Agent {
    fn new(products: &[&str]) -> Self {
        let trusted = Trusted::from_roots(config_root().into(), director_root().into());
        Self {
            trusted: trusted.unwrap(),
            org_uuids: BTreeMap::new(),
            products: Vec::new(),
            new_products: products.iter().map(|one| (*one).to_owned()).collect(),
        }
    }

    /// Polls with the versions of what it believes.
    async fn ask(&self, intake: &Intake) -> LatestConfigsResponse {
        let versions = self.trusted.versions();
        let request = LatestConfigsRequest {
            agent_version: "7.70.0".to_owned(),
            agent_uuid: "agent".to_owned(),
            current_config_snapshot_version: versions.config_snapshot,
            current_config_root_version: versions.config_root,
            current_director_root_version: versions.director_root,
            products: self.products.clone(),
            new_products: self.new_products.clone(),
            backend_client_state: self.trusted.backend_state().to_vec(),
            ..LatestConfigsRequest::default()
        };
        let answer = exchange(
            intake,
            "POST",
            CONFIGURATIONS_PATH,
            &request.encode_to_vec(),
        )
        .await;
        LatestConfigsResponse::decode(answer).unwrap()
    }

    fn judge(&self, answer: LatestConfigsResponse, now: i64) -> Result<Verified, Error> {
        let context = Context {
            now,
            org_uuids: &self.org_uuids,
            org_id: Some(2),
        };
        self.trusted.update(&update(answer), &context)
    }

    fn believe(&mut self, answer: LatestConfigsResponse) -> Vec<(String, String)> {
        let verified = self.judge(answer, now()).unwrap();
        assert_eq!(verified.dropped, []);
        self.trusted = verified.trusted;
        self.products.append(&mut self.new_products);
        contents(&self.trusted)
    }

    /// Polls, and believes the answer.
    async fn poll(&mut self, intake: &Intake) -> Vec<(String, String)> {
        let answer = self.ask(intake).await;
        self.believe(answer)
    }

    async fn learn_org(&mut self, intake: &Intake) {
        let answer = exchange(intake, "GET", ORG_PATH, b"").await;
        let org = OrgDataResponse::decode(answer).unwrap();
        let root = self.trusted.versions().config_root;
        self.org_uuids.insert(root, org.uuid);
    }
}

/// One request over a connection of its own.
async fn exchange(intake: &Intake, method: &str, path: &str, body: &[u8]) -> Bytes {
    let mut stream = TcpStream::connect(intake.addr()).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-protobuf\r\n\
         dd-api-key: 0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        intake.addr(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{answer:?}");
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n");
    Bytes::from(answer).slice(end.unwrap() + 4..)
}

fn update(answer: LatestConfigsResponse) -> Update {
    let raw = |meta: Option<TopMeta>| meta.map(|meta| meta.raw);
    let roots = |metas: Vec<TopMeta>| metas.into_iter().map(|meta| meta.raw).collect();
    let config = answer.config_metas.unwrap_or_default();
    let director = answer.director_metas.unwrap_or_default();
    let delegations = config.delegated_targets.into_iter();
    let files = answer.target_files.into_iter();
    Update {
        config: Metadata {
            roots: roots(config.roots),
            timestamp: raw(config.timestamp),
            snapshot: raw(config.snapshot),
            targets: raw(config.top_targets),
        },
        delegations: delegations.map(|meta| (meta.role, meta.raw)).collect(),
        director: Metadata {
            roots: roots(director.roots),
            timestamp: raw(director.timestamp),
            snapshot: raw(director.snapshot),
            targets: raw(director.targets),
        },
        files: files
            .map(|file| (logical(&file.path).unwrap(), file.raw))
            .collect(),
    }
}

/// What an answer brings of what may be left out: top targets, delegated roles, and files by the ends of their names.
fn brought(answer: &LatestConfigsResponse) -> (bool, Vec<&str>, Vec<String>) {
    let config = answer.config_metas.as_ref().unwrap();
    let delegated = config.delegated_targets.iter();
    let files = answer.target_files.iter();
    (
        config.top_targets.is_some(),
        delegated.map(|meta| meta.role.as_str()).collect(),
        files.map(|file| logical(&file.path).unwrap()).collect(),
    )
}

fn rates(rate: &'static str) -> RemoteConfig {
    RemoteConfig::new("APM_TRACING", "rates", rate)
}

fn news(text: &'static str) -> RemoteConfig {
    RemoteConfig::new("NEW_PRODUCT", "news", text)
}

fn file(path: &str, text: &str) -> (String, String) {
    (path.to_owned(), text.to_owned())
}

/// An intake with a file in a delegated role and one in the top targets, and an agent that believes both.
async fn begin() -> (Intake, Agent) {
    let intake = Intake::start().await;
    intake.push_config(rates("{\"rate\":1}")).unwrap();
    intake.push_config(news("1")).unwrap();
    let mut agent = Agent::new(&["APM_TRACING", "NEW_PRODUCT"]);
    agent.learn_org(&intake).await;
    let expected = [file(RATES, "{\"rate\":1}"), file(NEWS, "1")];
    assert_eq!(agent.poll(&intake).await, expected);
    (intake, agent)
}

#[tokio::test]
async fn an_agent_believes_what_is_pushed_and_is_told_only_what_changes() {
    let (intake, mut agent) = begin().await;
    let answer = agent.ask(&intake).await;
    assert_eq!(brought(&answer), (false, vec![], vec![]));
    let before = agent.trusted.versions();
    agent.believe(answer);
    assert_eq!(agent.trusted.versions(), before);

    intake.push_config(rates("{\"rate\":0}")).unwrap();
    let answer = agent.ask(&intake).await;
    let change = (false, vec!["APM_TRACING"], vec![RATES.to_owned()]);
    assert_eq!(brought(&answer), change);
    let expected = [file(RATES, "{\"rate\":0}"), file(NEWS, "1")];
    assert_eq!(agent.believe(answer), expected);
    assert!(agent.trusted.versions().config_snapshot > before.config_snapshot);
    assert!(agent.trusted.versions().director_targets > before.director_targets);

    assert!(intake.withdraw_config(NEWS));
    let answer = agent.ask(&intake).await;
    assert_eq!(brought(&answer), (true, vec![], vec![]));
    assert_eq!(agent.believe(answer), [file(RATES, "{\"rate\":0}")]);
    intake.reset();
    assert_eq!(agent.poll(&intake).await, []);
}

#[tokio::test]
async fn an_agent_is_told_of_the_products_that_it_asks_for() {
    let (intake, _) = begin().await;
    let mut agent = Agent::new(&["NEW_PRODUCT"]);
    agent.learn_org(&intake).await;
    assert_eq!(agent.poll(&intake).await, [file(NEWS, "1")]);
    agent.new_products.push("APM_TRACING".to_owned());
    let answer = agent.ask(&intake).await;
    assert_eq!(brought(&answer), (false, vec![], vec![RATES.to_owned()]));
    assert_eq!(agent.believe(answer).len(), 2);
}

#[tokio::test]
async fn files_of_employees_and_odd_names_are_believed() {
    let intake = Intake::start().await;
    let rules = RemoteConfig::new("ASM_DD", "a.b \"c\" \\", "{}").name("x.y.json");
    intake.push_config(rules.employee()).unwrap();
    let mut agent = Agent::new(&["ASM_DD"]);
    agent.learn_org(&intake).await;
    let path = "employee/ASM_DD/a.b \"c\" \\/x.y.json";
    assert_eq!(agent.poll(&intake).await, [file(path, "{}")]);
}

#[tokio::test]
async fn new_roots_are_followed_and_old_targets_believed_under_them() {
    let (intake, mut agent) = begin().await;
    for _ in 0..2 {
        assert!(intake.rotate_root(Repository::Config));
        assert!(intake.rotate_root(Repository::Director));
    }
    let answer = agent.ask(&intake).await;
    let config = answer.config_metas.as_ref().unwrap();
    let versions: Vec<u64> = config.roots.iter().map(|root| root.version).collect();
    assert_eq!(versions, [2, 3]);
    assert_eq!(brought(&answer), (false, vec![], vec![]));
    let error = agent.judge(answer.clone(), now()).unwrap_err();
    assert_eq!(error, Error::OrgUnknown { root_version: 3 });
    agent.org_uuids.insert(3, agent.org_uuids[&1].clone());
    assert_eq!(agent.believe(answer).len(), 2);
    let versions = agent.trusted.versions();
    assert_eq!((versions.config_root, versions.director_root), (3, 3));

    intake.rotate_root(Repository::Director);
    assert_eq!(agent.poll(&intake).await.len(), 2);
    assert_eq!(agent.trusted.versions().director_root, 4);
}

#[tokio::test]
async fn each_way_of_tampering_is_refused_for_its_own_reason() {
    let (intake, mut agent) = begin().await;
    let check = async |agent: &mut Agent, tamper: Tamper, document: Option<&str>, error: &str| {
        let mut rule = intake.on(CONFIGURATIONS_PATH).tamper(tamper).times(1);
        if let Some(document) = document {
            rule = rule.document(document);
        }
        drop(rule);
        let answer = agent.ask(&intake).await;
        let refused = agent.judge(answer, now()).unwrap_err().to_string();
        assert!(
            refused.starts_with(error),
            "{tamper:?} {document:?}: {refused}"
        );
        assert_eq!(agent.poll(&intake).await.len(), 2, "after {tamper:?}");
    };
    use Tamper::*;
    for (document, which) in [
        ("config/root", "config root"),
        ("config/timestamp", "config timestamp"),
        ("config/snapshot", "config snapshot"),
        ("config/targets", "config targets"),
        ("config/APM_TRACING", "config delegation APM_TRACING"),
        ("director/root", "director root"),
        ("director/timestamp", "director timestamp"),
        ("director/snapshot", "director snapshot"),
        ("director/targets", "director targets"),
    ] {
        let error = format!("{which}: 0 valid signatures of ");
        check(&mut agent, BadSignature, Some(document), &error).await;
        if !document.ends_with("root") {
            let error = format!("{which}: expired at ");
            check(&mut agent, Expired, Some(document), &error).await;
        }
    }
    let targets = "director targets: 0 valid signatures of 2";
    check(&mut agent, BadSignature, None, targets).await;
    check(&mut agent, Expired, None, "director timestamp: expired at ").await;
    let sha = format!("file {RATES}: sha256 differs");
    check(&mut agent, WrongHash, None, &sha).await;
    let length = format!("file {RATES}: 11 bytes instead of 10");
    check(&mut agent, WrongLength, None, &length).await;
    let cross = format!("director targets: {RATES}: the length differs from the config repository");
    check(&mut agent, CrossCheck, None, &cross).await;
    let nowhere =
        "director targets: datadog/2/APM_TRACING/unknown/config: not in the config repository";
    check(&mut agent, NotInConfig, None, nowhere).await;
    check(&mut agent, Replayed, None, "config timestamp: rollback of").await;
    check(
        &mut agent,
        WrongOrg,
        None,
        "config snapshot: organisation 00000000-0000-4000-8000-000000000666 instead of ",
    )
    .await;
    check(
        &mut agent,
        SkippedRoot,
        None,
        "config root: version 3 does not follow 1",
    )
    .await;
    check(
        &mut agent,
        SkippedRoot,
        Some("director/root"),
        "director root: version 3 does not follow 1",
    )
    .await;
}

#[tokio::test]
async fn what_is_left_out_is_missed_only_where_it_is_new() {
    let (intake, mut agent) = begin().await;
    let tamper = |tamper| drop(intake.on(CONFIGURATIONS_PATH).tamper(tamper).times(1));
    tamper(Tamper::MissingFile);
    assert_eq!(agent.poll(&intake).await.len(), 2);
    tamper(Tamper::ExtraFile);
    assert_eq!(agent.poll(&intake).await.len(), 2);

    intake.push_config(news("2")).unwrap();
    tamper(Tamper::MissingFile);
    let answer = agent.ask(&intake).await;
    let refused = agent.judge(answer, now()).unwrap_err();
    assert_eq!(
        refused,
        Error::FileMissing {
            path: NEWS.to_owned()
        }
    );
    tamper(Tamper::MissingDocument);
    let answer = agent.ask(&intake).await;
    let refused = agent.judge(answer, now()).unwrap_err().to_string();
    assert!(
        refused.starts_with("director targets: version "),
        "{refused}"
    );
    assert_eq!(agent.poll(&intake).await[1], file(NEWS, "2"));
}

#[tokio::test]
async fn a_frozen_backend_says_the_same_until_it_has_expired() {
    let (intake, mut agent) = begin().await;
    let before = agent.trusted.clone();
    drop(intake.on(CONFIGURATIONS_PATH).tamper(Tamper::Frozen));
    intake.push_config(news("2")).unwrap();
    let answer = agent.ask(&intake).await;
    assert_eq!(agent.believe(answer.clone()).len(), 2);
    assert_eq!(agent.trusted, before);
    let refused = agent.judge(answer, now() + 3_700).unwrap_err().to_string();
    assert!(
        refused.starts_with("config timestamp: expired at "),
        "{refused}"
    );
}

#[tokio::test]
async fn an_agent_that_remembers_an_earlier_life_goes_on_in_the_next() {
    let (intake, mut agent) = begin().await;
    // Versions run ahead of the clock, as many pushes come in a second.
    for _ in 0..50 {
        intake.push_config(news("1")).unwrap();
    }
    intake.rotate_root(Repository::Config);
    agent.org_uuids.insert(2, agent.org_uuids[&1].clone());
    agent.poll(&intake).await;
    let before = agent.trusted.versions();
    drop(intake);

    let next = Intake::start().await;
    next.push_config(news("new")).unwrap();
    assert_eq!(agent.poll(&next).await, [file(NEWS, "new")]);
    let after = agent.trusted.versions();
    assert!(after.config_snapshot > before.config_snapshot);
    assert!(after.director_targets > before.director_targets);
    assert_eq!(after.config_root, 2);
}

#[tokio::test]
async fn two_lives_in_one_second_are_no_contradiction() {
    let (_, mut agent) = begin().await;
    for text in ["first", "second", "third"] {
        let intake = Intake::start().await;
        intake.push_config(rates("{}")).unwrap();
        intake.push_config(news(text)).unwrap();
        let expected = [file(RATES, "{}"), file(NEWS, text)];
        assert_eq!(agent.poll(&intake).await, expected);
    }
}

#[tokio::test]
async fn agents_are_steered_and_say_again_what_they_were_told() {
    let (intake, mut agent) = begin().await;
    assert_eq!(agent.trusted.refresh_interval_s(), None);
    assert!(agent.trusted.backend_state().starts_with(b"{\"life\":"));
    intake.set_remote_config(RemoteConfigSettings {
        refresh_interval_s: Some(7),
        timestamp_lifetime_s: Some(60),
        ..RemoteConfigSettings::default()
    });
    agent.poll(&intake).await;
    assert_eq!(agent.trusted.refresh_interval_s(), Some(7));
    let expires = agent.trusted.director_timestamp_expires().unwrap();
    assert!((now() + 30..=now() + 60).contains(&expires), "{expires}");
    let problems: Vec<_> = intake
        .raw_requests()
        .into_iter()
        .flat_map(|request| request.problems)
        .collect();
    assert_eq!(problems, Vec::<String>::new());
}

#[tokio::test]
async fn targets_of_the_director_stand_in_every_answer() {
    let (intake, agent) = begin().await;
    let answer = agent.ask(&intake).await;
    let Some(DirectorMetas {
        roots,
        timestamp: Some(_),
        snapshot: Some(_),
        targets: Some(_),
    }) = answer.director_metas
    else {
        panic!("{answer:?}");
    };
    assert_eq!(roots, []);
}
