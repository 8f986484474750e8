//! Whether a platform is what its variables say, and what it tells of itself: asks Google's metadata server, and looks
//! for the files of an app on Azure. Sends nothing of the agent anywhere.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::connect::{Client, ConnectConfig};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::SERVER;
use hyper::{Request, Response};
use serde_json::Value as Json;
use tracing::warn;

use super::{Place, Platform};
use crate::config::{Config, Value};

/// Where the metadata server is found, unless the environment says otherwise.
const METADATA_HOST: &str = "metadata.google.internal";
/// All that it has, in one answer.
const METADATA_PATH: &str = "/computeMetadata/v1/?recursive=true";
/// What it says that it is, beside functions.
const METADATA_SERVER: &str = "Metadata Server for Serverless";
/// It is next to the function, or not there.
const METADATA_TIMEOUT: Duration = Duration::from_millis(100);
/// The largest answer that is read.
const MAX_METADATA: usize = 1_024 * 1_024;
/// Where Azure puts an app, unless the environment says otherwise.
const SCRIPT_ROOT: &str = "/home/site/wwwroot";
/// The names of files that a functions app has, in its folder or in one below.
const APP_FILES: [&str; 2] = ["host.json", "function.json"];
/// Entries of a folder that are looked at.
const MAX_ENTRIES: usize = 10_000;
/// In place of what could not be found out.
const UNKNOWN: &str = "unknown";

/// What a platform tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The project of Google Cloud; `unknown` where there is none.
    pub project: String,
    /// Its region; `unknown` where there is none.
    pub region: String,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            project: UNKNOWN.to_owned(),
            region: UNKNOWN.to_owned(),
        }
    }
}

/// Why a platform is not what its variables say, or lacks what it needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// Something else than the metadata server of functions answered.
    #[error("this is no Google Cloud function: the metadata server says that it is {0:?}")]
    OtherServer(String),
    /// The folder holds no functions app.
    #[error("this is no app of Azure Functions: neither host.json nor function.json is in {0}")]
    NoApp(String),
    /// The plan needs to be told the resource group.
    #[error("DD_AZURE_RESOURCE_GROUP must be set on the Flex Consumption plan of Azure Functions")]
    NoResourceGroup,
}

/// Checks a place that was detected, and learns what it tells of itself.
///
/// A metadata server that does not answer at once is passed over: functions must not wait for it.
///
/// # Errors
/// When this is something else than it seems, or lacks what it needs.
pub async fn verify(place: &Place, config: &Config) -> Result<Facts, Unfit> {
    let inputs = &config.platform_inputs;
    match place.platform {
        Platform::GoogleFunctions => {
            let host = inputs.get("GCE_METADATA_HOST").unwrap_or(METADATA_HOST);
            google(host).await
        }
        Platform::AzureFunctions => {
            let group = config.value("azure_resource_group");
            let has_group = matches!(group, Some(Value::Text(group)) if !group.is_empty());
            if inputs.get("WEBSITE_SKU") == Some("FlexConsumption") && !has_group {
                return Err(Unfit::NoResourceGroup);
            }
            let root = inputs.get("AzureWebJobsScriptRoot").unwrap_or(SCRIPT_ROOT);
            match has_app(Path::new(root), 1) {
                true => Ok(Facts::default()),
                false => Err(Unfit::NoApp(root.to_owned())),
            }
        }
        Platform::Lambda | Platform::CloudRun | Platform::AzureSpring => Ok(Facts::default()),
    }
}

async fn google(host: &str) -> Result<Facts, Unfit> {
    match tokio::time::timeout(METADATA_TIMEOUT, ask(host)).await {
        Ok(Ok((server, body))) if server == METADATA_SERVER => Ok(read(&body)),
        Ok(Ok((server, _))) => Err(Unfit::OtherServer(server)),
        Ok(Err(problem)) => {
            warn!(
                host,
                problem, "the metadata server cannot be asked: project and region are unknown"
            );
            Ok(Facts::default())
        }
        Err(_) => {
            warn!(
                host,
                "the metadata server does not answer: project and region are unknown"
            );
            Ok(Facts::default())
        }
    }
}

/// What the server says that it is, and what it answers.
async fn ask(host: &str) -> Result<(String, Bytes), String> {
    // Of its own, since no proxy leads there.
    let client = Client::new(ConnectConfig::default()).map_err(|error| error.to_string())?;
    let request = Request::get(format!("http://{host}{METADATA_PATH}"))
        .header("Metadata-Flavor", "Google")
        .body(Full::default())
        .map_err(|error| error.to_string())?;
    let sent = client.send(request).await;
    let answer: Response<_> = sent.map_err(|error| error.to_string())?;
    let server = answer.headers().get(SERVER);
    let server = server
        .and_then(|name| name.to_str().ok())
        .unwrap_or_default();
    let server = server.to_owned();
    let body = Limited::new(answer.into_body(), MAX_METADATA)
        .collect()
        .await;
    let body = body.map_err(|error| error.to_string())?;
    Ok((server, body.to_bytes()))
}

fn read(body: &[u8]) -> Facts {
    let metadata: Json = serde_json::from_slice(body).unwrap_or_default();
    let unknown = Facts::default();
    Facts {
        project: (metadata["project"]["projectId"].as_str()).map_or(unknown.project, str::to_owned),
        region: (metadata["instance"]["region"].as_str())
            .and_then(region)
            .map_or(unknown.region, str::to_owned),
    }
}

/// The last part of `projects/NUMBER/regions/REGION`.
fn region(path: &str) -> Option<&str> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["projects", _, "regions", region] if !region.is_empty() => Some(region),
        _ => None,
    }
}

/// Whether a folder, or one so many levels below, holds a functions app.
fn has_app(folder: &Path, levels: usize) -> bool {
    if APP_FILES.iter().any(|name| folder.join(name).is_file()) {
        return true;
    }
    let Some(below) = levels.checked_sub(1) else {
        return false;
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    let entries = entries.take(MAX_ENTRIES).flatten();
    entries
        .filter(|entry| entry.file_name() != "node_modules" && entry.path().is_dir())
        .any(|entry| has_app(&entry.path(), below))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Profile;

    fn config(variables: &[(&str, &str)]) -> Config {
        Config::builder()
            .profile(Profile::Serverless)
            .with_env_iter(variables.iter().copied())
            .build_with_issues()
    }

    fn place(platform: Platform) -> Place {
        Place {
            platform,
            name: "shop".to_owned(),
        }
    }

    /// A metadata server that answers once, if `answer` is something; returns its address and what it was asked.
    async fn server(answer: Option<String>) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4_096];
            let read = stream.read(&mut request).await.unwrap();
            match answer {
                Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                None => std::future::pending().await,
            }
            String::from_utf8(request[..read].to_vec()).unwrap()
        });
        (address, asked)
    }

    fn answer(server: &str, body: &str) -> Option<String> {
        let length = body.len();
        Some(format!(
            "HTTP/1.1 200 OK\r\nServer: {server}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
    }

    #[tokio::test]
    async fn the_metadata_server_tells_project_and_region() {
        let body = r#"{"project":{"projectId":"shop-1"},"instance":{"region":"projects/123123/regions/us-east1"}}"#;
        let (address, asked) = server(answer(METADATA_SERVER, body)).await;
        let config = config(&[("GCE_METADATA_HOST", &address)]);
        let facts = verify(&place(Platform::GoogleFunctions), &config).await;
        let expected = Facts {
            project: "shop-1".to_owned(),
            region: "us-east1".to_owned(),
        };
        assert_eq!(facts.unwrap(), expected);
        let asked = asked.await.unwrap();
        assert!(
            asked.starts_with("GET /computeMetadata/v1/?recursive=true HTTP/1.1\r\n"),
            "{asked}"
        );
        assert!(asked.to_lowercase().contains("metadata-flavor: google\r\n"));
    }

    #[tokio::test]
    async fn another_server_means_another_place_and_a_silent_one_nothing() {
        let (address, _asked) = server(answer("Metadata Server for VM", "{}")).await;
        let other = config(&[("GCE_METADATA_HOST", &address)]);
        let error = verify(&place(Platform::GoogleFunctions), &other).await;
        assert_eq!(
            error.unwrap_err().to_string(),
            "this is no Google Cloud function: the metadata server says that it is \"Metadata Server for VM\""
        );
        let (address, _asked) = server(None).await;
        let silent = config(&[("GCE_METADATA_HOST", &address)]);
        let facts = verify(&place(Platform::GoogleFunctions), &silent).await;
        assert_eq!(facts.unwrap(), Facts::default());
    }

    #[test]
    fn a_region_is_the_last_of_four_parts() {
        assert_eq!(region("projects/123123/regions/us-east1"), Some("us-east1"));
        assert_eq!(region("us-east1"), None);
        assert_eq!(region("projects/1/regions/"), None);
        assert_eq!(read(b"no JSON"), Facts::default());
    }

    #[tokio::test]
    async fn an_app_of_azure_has_its_files_in_its_folder_or_the_one_below() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        let config = config(&[("AzureWebJobsScriptRoot", root)]);
        let azure = place(Platform::AzureFunctions);
        let fits = async || verify(&azure, &config).await.is_ok();
        for path in ["node_modules", "one/two"] {
            fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        for path in ["node_modules/host.json", "one/two/function.json"] {
            fs::write(folder.path().join(path), "{}").unwrap();
        }
        let error = verify(&azure, &config).await.unwrap_err().to_string();
        assert!(
            error.starts_with("this is no app of Azure Functions: "),
            "{error}"
        );
        fs::write(folder.path().join("one/function.json"), "{}").unwrap();
        assert!(fits().await);
        fs::remove_dir_all(folder.path().join("one")).unwrap();
        assert!(!fits().await);
        fs::write(folder.path().join("host.json"), "{}").unwrap();
        assert!(fits().await);
    }

    #[tokio::test]
    async fn the_flex_consumption_plan_needs_a_resource_group() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("host.json"), "{}").unwrap();
        let root = ("AzureWebJobsScriptRoot", folder.path().to_str().unwrap());
        let flex = ("WEBSITE_SKU", "FlexConsumption");
        let azure = place(Platform::AzureFunctions);
        let error = verify(&azure, &config(&[root, flex])).await.unwrap_err();
        assert!(matches!(error, Unfit::NoResourceGroup), "{error}");
        let group = ("DD_AZURE_RESOURCE_GROUP", "shop-group");
        verify(&azure, &config(&[root, flex, group])).await.unwrap();
    }
}
