//! What remote configuration does to the firewall: it turns it on and off where the user did not decide, and changes its
//! rules, each time in one step.
//!
//! What is asked for depends on whether the firewall is on, so a change of that subscribes anew.

use std::collections::BTreeMap;

use datadog_agent_runtime::telemetry::Metric;
use datadog_appsec::AppSec;
use datadog_appsec::config::Blocking;
use datadog_appsec::remote::{Activation, capabilities};
use datadog_appsec::rules::{Batch, Product, RemoteFile, Source};
use serde_json::Value;
use tracing::{info, warn};

use super::{NAME, Opened, Stand};
use crate::VERSION;
use crate::remote_config::{
    APPSEC_PRODUCTS, ConfigFile, Files, Interest, RemoteConfigHandle, Subscriber,
};

/// The product that turns the firewall on and off.
const FEATURES: &str = "ASM_FEATURES";

/// Does what remote configuration says, until it ends.
pub(super) async fn follow(opened: Opened, handle: RemoteConfigHandle) {
    loop {
        let running = opened.running();
        let mut subscriber = handle.subscribe(interest(&opened, running.as_ref()));
        let mut held = Held::default();
        loop {
            let Some(files) = subscriber.changed().await else {
                return;
            };
            if opened.activate(&subscriber, &files).await {
                break;
            }
            if let Some(appsec) = &running {
                opened.apply(appsec, &subscriber, &mut held, &files).await;
            }
        }
    }
}

/// What is asked for: rules only while there is something that they would change.
fn interest(opened: &Opened, running: Option<&AppSec>) -> Interest {
    let activation = Activation {
        user: opened.firewall.user,
        remote: Some(running.is_some()),
    };
    let wants = |product: &str| match product {
        FEATURES => activation.is_remote(),
        _ => running.is_some(),
    };
    let blocking = running.map_or(Blocking::Ignored, AppSec::blocking);
    let source = running.map_or(Source::Recommended, AppSec::source);
    let products = APPSEC_PRODUCTS.into_iter().filter(|name| wants(name));
    Interest {
        name: NAME.to_owned(),
        version: VERSION.to_owned(),
        products: products.map(str::to_owned).collect(),
        capabilities: capabilities(activation, blocking, source),
    }
}

impl Opened {
    /// Turns the firewall on or off, if the files say another thing than before; says whether they did.
    async fn activate(&self, subscriber: &Subscriber, files: &Files) -> bool {
        let user = self.firewall.user;
        if user.is_some() {
            return false;
        }
        let features: Vec<&ConfigFile> = files.iter().filter(|it| it.product == FEATURES).collect();
        let remote = features.iter().find_map(|file| Activation::read(&file.raw));
        let is_wanted = Activation { user, remote }.is_on();
        let was_on = self.firewall.live().is_some();
        let loaded = match (was_on, is_wanted) {
            (false, true) => self.load().await,
            (true, false) => {
                info!("AppSec was turned off by remote configuration");
                self.turn(Stand::Off);
                Ok(())
            }
            (false, false) => {
                self.turn(Stand::Off);
                Ok(())
            }
            (true, true) => Ok(()),
        };
        for file in features {
            let readable = serde_json::from_slice::<Value>(&file.raw);
            let outcome = match (&readable, &loaded) {
                (Err(problem), _) => Err(problem.to_string()),
                (Ok(_), Err(problem)) => Err(problem.clone()),
                (Ok(_), Ok(())) => Ok(()),
            };
            self.report(subscriber, file, outcome);
        }
        self.firewall.live().is_some() != was_on
    }

    /// Changes the rules in one step, and reports what became of each file.
    async fn apply(
        &self,
        appsec: &AppSec,
        subscriber: &Subscriber,
        held: &mut Held,
        files: &Files,
    ) {
        let (batch, updated) = held.change(files);
        if batch == Batch::default() {
            return;
        }
        let removed = batch.removed.len();
        let changing = appsec.clone();
        let applied = tokio::task::spawn_blocking(move || changing.apply(batch)).await;
        let Ok(applied) = applied else {
            for file in &updated {
                let problem = "the change broke off".to_owned();
                self.report(subscriber, file, Err(problem));
            }
            return;
        };
        let swapped = applied.swapped;
        for (file, (_, outcome)) in updated.iter().zip(applied.files) {
            self.report(subscriber, file, outcome);
        }
        info!(
            updated = updated.len(),
            removed, swapped, "rules follow remote configuration"
        );
    }

    fn report(&self, subscriber: &Subscriber, file: &ConfigFile, outcome: Result<(), String>) {
        let word = match &outcome {
            Ok(()) => "applied",
            Err(problem) => {
                let path = &file.path;
                warn!(path, problem, "a file of remote configuration is not taken");
                "refused"
            }
        };
        let labels = [("outcome", word)];
        let telemetry = &self.firewall.telemetry;
        telemetry.add(Metric::AppsecRemoteFiles, &labels, 1);
        subscriber.report(file, outcome.as_ref().copied().map_err(String::as_str));
    }
}

/// The files with rules that the firewall was told of, by their paths.
#[derive(Debug, Default)]
struct Held(BTreeMap<String, ConfigFile>);

impl Held {
    /// Holds these files, and says what that changes; the second are the files of the change, in its order.
    fn change(&mut self, files: &Files) -> (Batch, Vec<ConfigFile>) {
        let wanted: BTreeMap<String, ConfigFile> = files
            .iter()
            .filter(|file| Product::from_name(&file.product).is_some())
            .map(|file| (file.path.clone(), file.clone()))
            .collect();
        let removed = self.0.keys().filter(|path| !wanted.contains_key(*path));
        let removed = removed.cloned().collect();
        let is_new = |file: &&ConfigFile| self.0.get(&file.path) != Some(*file);
        let updated: Vec<ConfigFile> = wanted.values().filter(is_new).cloned().collect();
        let remote = |file: &ConfigFile| {
            Product::from_name(&file.product).map(|product| RemoteFile {
                path: file.path.clone(),
                product,
                content: file.raw.to_vec(),
            })
        };
        let batch = Batch {
            removed,
            updated: updated.iter().filter_map(remote).collect(),
        };
        self.0 = wanted;
        (batch, updated)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;

    fn file(product: &str, id: &str, raw: &'static str) -> ConfigFile {
        ConfigFile {
            path: format!("datadog/2/{product}/{id}/config"),
            product: product.to_owned(),
            config_id: id.to_owned(),
            name: "config".to_owned(),
            version: 1,
            raw: Bytes::from_static(raw.as_bytes()),
        }
    }

    #[test]
    fn only_what_changed_is_in_a_batch() {
        let mut held = Held::default();
        let features = file(FEATURES, "on", "{}");
        let (data, own) = (file("ASM_DATA", "ips", "1"), file("ASM", "own", "2"));
        let (batch, updated) = held.change(&Arc::new(vec![features, data.clone(), own.clone()]));
        assert_eq!(batch.removed, [""; 0]);
        let products: Vec<Product> = batch.updated.iter().map(|file| file.product).collect();
        assert_eq!(products, [Product::Changes, Product::Data]);
        assert_eq!(updated, [own.clone(), data.clone()]);
        let (batch, _) = held.change(&Arc::new(vec![data.clone(), own.clone()]));
        assert_eq!(batch, Batch::default());
        let other = file("ASM_DATA", "ips", "3");
        let (batch, updated) = held.change(&Arc::new(vec![other.clone()]));
        assert_eq!(batch.removed, [own.path]);
        assert_eq!(batch.updated[0].content, b"3");
        assert_eq!(updated, [other]);
    }
}
