//! What parts of this process are handed, and what the backend hears of it.

use bytes::Bytes;
use datadog_wire::remote_config::Client;
use serde_json::json;

use super::{Agent, response};
use crate::signer::{Backend, TOP_FILE};

fn states(client: &Client) -> Vec<(String, u64, u64, String)> {
    let state = client.state.iter();
    let states = state.flat_map(|state| &state.config_states);
    states
        .map(|state| {
            let (id, error) = (state.id.clone(), state.apply_error.clone());
            (id, state.version, state.apply_state, error)
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn files_come_and_go_and_the_backend_hears_what_became_of_them() {
    let mut backend = Backend::new();
    backend.director.files[TOP_FILE]["custom"] = json!({"v": 4});
    let agent = Agent::of(&backend).await;
    let mut subscriber = agent.subscribe(&["ASM_FEATURES"]);
    let files = subscriber.changed().await.unwrap();
    let file = &files[0];
    assert_eq!(
        (
            file.path.as_str(),
            file.product.as_str(),
            file.config_id.as_str()
        ),
        (TOP_FILE, "ASM_FEATURES", "asm-on")
    );
    assert_eq!((file.name.as_str(), file.version), ("config", 4));
    assert_eq!(&*file.raw, b"{\"enabled\":true}");
    agent.asked(2).await;
    subscriber.report(file, Err("no such thing"));
    agent.asked(3).await;
    subscriber.report(file, Ok(()));
    agent.asked(4).await;
    let requests = agent.fake.requests();
    let told = |index: usize| states(&requests[index].active_clients[0]);
    let expected = |state, error: &str| vec![("asm-on".to_owned(), 4, state, error.to_owned())];
    assert_eq!(told(0), []);
    assert_eq!(told(1), expected(1, ""));
    assert_eq!(told(2), expected(3, "no such thing"));
    assert_eq!(told(3), expected(2, ""));
    let state = requests[3].active_clients[0].state.as_ref().unwrap();
    assert_eq!((state.root_version, state.targets_version), (1, 1));
    backend.files.remove(TOP_FILE);
    let files = backend.director.files.as_object_mut().unwrap();
    files.remove(TOP_FILE);
    backend.config.publish();
    backend.director.publish();
    agent.fake.answer_with(Ok(response(&backend)));
    assert_eq!(subscriber.changed().await.unwrap().len(), 0);
    drop(subscriber);
    agent.asked(6).await;
    assert_eq!(agent.fake.requests()[5].active_clients, []);
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_version_is_to_be_acknowledged_anew() {
    let mut backend = Backend::new();
    backend.director.files[TOP_FILE]["custom"] = json!({"v": 4});
    let agent = Agent::of(&backend).await;
    let mut subscriber = agent.subscribe(&["ASM_FEATURES"]);
    let files = subscriber.changed().await.unwrap();
    subscriber.report(&files[0], Ok(()));
    backend.change_top_file(b"{\"enabled\":0}");
    backend.director.files[TOP_FILE]["custom"] = json!({"v": 5});
    agent.fake.answer_with(Ok(response(&backend)));
    let files = subscriber.changed().await.unwrap();
    assert_eq!(files[0].raw, Bytes::from_static(b"{\"enabled\":0}"));
    agent.asked(3).await;
    let requests = agent.fake.requests();
    let told = states(&requests[2].active_clients[0]);
    assert_eq!(told, [("asm-on".to_owned(), 5, 1, String::new())]);
    // What is reported of the old version is not said of the new one.
    subscriber.report(
        &datadog_remote_config::consumer::ConfigFile {
            version: 4,
            ..files[0].clone()
        },
        Ok(()),
    );
    agent.asked(4).await;
    let requests = agent.fake.requests();
    assert_eq!(states(&requests[3].active_clients[0])[0].2, 1);
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_late_has_what_is_there() {
    let agent = Agent::refreshed(&Backend::new()).await;
    let subscriber = agent.subscribe(&["ASM_FEATURES", "APM_TRACING"]);
    assert_eq!(subscriber.current().len(), 2);
    agent.stop().await;
}
