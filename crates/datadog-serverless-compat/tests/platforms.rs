//! The program on each platform: what it takes arrives, SIGTERM loses nothing, and what is wrong ends it with one line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::{BufRead as _, BufReader};
use std::net::UdpSocket;
use std::process::{Child, Command, ExitStatus, Stdio};

use datadog_dev_intake::Intake;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PROGRAM: &str = env!("CARGO_BIN_EXE_datadog-serverless-compat");
const KEY: (&str, &str) = ("DD_API_KEY", "0123456789abcdef0123456789abcdef");
const AZURE: [(&str, &str); 3] = [
    ("FUNCTIONS_EXTENSION_VERSION", "~4"),
    ("FUNCTIONS_WORKER_RUNTIME", "node"),
    ("WEBSITE_SITE_NAME", "shop-app"),
];
const SPRING: (&str, &str) = ("ASCSVCRT_SPRING__APPLICATION__NAME", "shop");
const GOOGLE: [(&str, &str); 3] = [
    ("K_SERVICE", "shop"),
    ("FUNCTION_TARGET", "entry"),
    // Nobody listens there.
    ("GCE_METADATA_HOST", "127.0.0.1:1"),
];

fn program(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().envs(variables.iter().copied());
    command
}

/// The program while it runs; killed when a test fails.
struct Running {
    child: Child,
    /// The line that says where it listens.
    line: String,
}

impl Running {
    async fn start(intake: &Intake, platform: &[(&str, &str)]) -> Self {
        let url = intake.url();
        let own = [
            KEY,
            ("DD_AGENT_MODE", "http_ephemeral_port"),
            ("DD_LOGS_ENABLED", "true"),
            ("DD_APM_DD_URL", &url),
            ("DD_DD_URL", &url),
            ("DD_LOGS_CONFIG_LOGS_DD_URL", &url),
            // Its backend would be elsewhere.
            ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
        ];
        let mut command = program(&[&own, platform].concat());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let line = tokio::task::spawn_blocking(move || {
            let mut seen = String::new();
            loop {
                let mut line = String::new();
                let read = stderr.read_line(&mut line).unwrap();
                assert_ne!(read, 0, "it ended: {seen}");
                if line.contains("| running ") {
                    // Nobody may be left with a pipe that fills.
                    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
                    return line;
                }
                seen.push_str(&line);
            }
        });
        let line = line.await.unwrap();
        Self { child, line }
    }

    fn address(&self, name: &str) -> &str {
        let mut words = self.line.split_whitespace();
        let found = words.find_map(|word| word.strip_prefix(&format!("{name}=")));
        found
            .unwrap_or_else(|| panic!("{}", self.line))
            .trim_matches('"')
    }

    async fn terminated(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-TERM", &id]).status();
        assert!(kill.unwrap().success());
        tokio::task::spawn_blocking(move || self.child.wait().unwrap())
            .await
            .unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}

async fn post(address: &str, path: &str, body: &str) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Sends one of each kind, then SIGTERM at once; all must be there when the program has ended.
async fn delivers(platform: &[(&str, &str)], origin: &str) -> Intake {
    let intake = Intake::start().await;
    let running = Running::start(&intake, platform).await;
    let span = r#"[[{"service":"shop","name":"web.request","resource":"GET /","trace_id":7,"span_id":8,
        "start":1700000000000000000,"duration":5,"metrics":{"_sampling_priority_v1":1}}]]"#;
    post(running.address("traces"), "/v0.4/traces", span).await;
    post(
        running.address("logs"),
        "/v1/input",
        r#"[{"message":"hello"}]"#,
    )
    .await;
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    let statsd = running.address("dogstatsd");
    client.send_to(b"orders:1|c", statsd).unwrap();

    assert_eq!(running.terminated().await.code(), Some(0));

    assert_eq!(intake.messages(), ["hello"]);
    let traces = intake.traces();
    assert_eq!((traces.len(), traces[0].trace_id), (1, 7));
    assert_eq!(intake.stats().len(), 1);
    let orders = intake.series().into_iter().find(|it| it.metric == "orders");
    let tags = orders.unwrap().tags;
    assert!(tags.contains(&format!("origin:{origin}")), "{tags:?}");
    assert!(
        intake
            .raw_requests()
            .iter()
            .all(|it| it.problems.is_empty())
    );
    assert_eq!(traces[0].chunk.origin, origin);
    intake
}

#[tokio::test]
async fn on_lambda_everything_arrives() {
    let lambda = [
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_FUNCTION_NAME", "orders"),
    ];
    delivers(&lambda, "lambda").await;
}

#[tokio::test]
async fn on_azure_functions_everything_arrives() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("host.json"), "{}").unwrap();
    let root = ("AzureWebJobsScriptRoot", folder.path().to_str().unwrap());
    delivers(&[&AZURE[..], &[root]].concat(), "azurefunction").await;
}

#[tokio::test]
async fn on_google_functions_everything_arrives_with_what_is_known_of_the_place() {
    let intake = delivers(&GOOGLE, "cloudfunction").await;
    let traces = intake.traces();
    let meta = &traces[0].spans()[0].meta;
    assert_eq!(
        meta["gcrfx.resource_name"],
        "projects/unknown/locations/unknown/functions/shop"
    );
}

#[tokio::test]
async fn on_azure_spring_everything_arrives() {
    let intake = delivers(&[SPRING, ("HOSTNAME", "web-1")], "azurespringapp").await;
    let traces = intake.traces();
    let meta = &traces[0].spans()[0].meta;
    assert_eq!(
        (&*meta["asa.name"], &*meta["asa.hostname"]),
        ("shop", "web-1")
    );
}

/// The one line of a program that could not start.
async fn refused(variables: &[(&str, &str)]) -> String {
    let mut command = program(variables);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    let errors: Vec<&str> = text
        .lines()
        .filter(|it| it.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{text}");
    errors[0].to_owned()
}

#[tokio::test]
async fn what_is_wrong_ends_it_with_one_line_even_while_the_log_is_off() {
    let quiet = ("DD_LOG_LEVEL", "off");
    let none = refused(&[KEY, quiet]).await;
    assert!(
        none.starts_with("error: no serverless platform is detected"),
        "{none}"
    );
    let two = refused(&[&GOOGLE[..], &[KEY, quiet, SPRING]].concat()).await;
    assert!(
        two.starts_with("error: several serverless platforms are detected, Google Cloud Functions and Azure Spring Apps"),
        "{two}"
    );
    let key = refused(&[quiet, SPRING]).await;
    assert!(key.contains("API key not configured"), "{key}");
    let nowhere = ("AzureWebJobsScriptRoot", "/nowhere");
    let app = refused(&[&AZURE[..], &[KEY, quiet, nowhere]].concat()).await;
    assert!(
        app.starts_with("error: this is no app of Azure Functions"),
        "{app}"
    );
    let flex = ("WEBSITE_SKU", "FlexConsumption");
    let group = refused(&[&AZURE[..], &[KEY, quiet, nowhere, flex]].concat()).await;
    assert!(
        group.starts_with("error: DD_AZURE_RESOURCE_GROUP must be set"),
        "{group}"
    );
}

#[tokio::test]
async fn without_a_platform_it_runs_where_that_was_asked_for_and_says_what_it_lost() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").hang();
    let none = [
        ("DD_SERVERLESS_PLATFORM", "none"),
        ("DD_SHUTDOWN_TIMEOUT", "1"),
    ];
    let running = Running::start(&intake, &none).await;
    post(
        running.address("logs"),
        "/v1/input",
        r#"[{"message":"lost"}]"#,
    )
    .await;
    assert_eq!(running.terminated().await.code(), Some(1));
}
