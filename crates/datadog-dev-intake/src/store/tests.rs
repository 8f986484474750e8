//! Tests of numbering, finding and forgetting.

use super::*;

/// A request with `logs` logs and a body of `bytes` bytes.
fn received(logs: u32, bytes: usize) -> Received {
    Received {
        origin: Origin::Request,
        received_at_ms: 0,
        api_key: None,
        method: Method::POST,
        path: "/api/v2/logs".to_owned(),
        query: None,
        version: Version::HTTP_11,
        headers: HeaderMap::new(),
        status: Some(202),
        fault: None,
        wire: Bytes::from(vec![b' '; bytes]),
        wire_bytes: as_u64(bytes),
        raw: None,
        encoding: "identity".to_owned(),
        items: None,
        problems: Problems::default(),
        duration_ms: 0,
        logs: (0..logs).map(|at| at..at + 1).collect(),
        records: None,
        seen: None,
    }
}

fn push(store: &mut Store, logs: u32, bytes: usize) -> Arc<Stored> {
    store.push(received(logs, bytes), &Facets::default())
}

fn kept(store: &Store) -> Vec<u64> {
    store.requests().iter().map(|stored| stored.seq).collect()
}

#[test]
fn a_request_and_its_logs_share_one_sequence() {
    let mut store = Store::new(1 << 20);
    let first = push(&mut store, 2, 0);
    let second = push(&mut store, 0, 0);
    assert_eq!((first.seq, first.log_seq(0), first.log_seq(1)), (1, 2, 3));
    assert_eq!((second.seq, store.last_seq()), (4, 4));
}

#[test]
fn the_next_request_is_the_one_with_a_number_above() {
    let mut store = Store::new(1 << 20);
    push(&mut store, 2, 0); // 1, 2, 3
    push(&mut store, 1, 0); // 4, 5
    let next = |seq| store.next_after(seq).map(|stored| stored.seq);
    assert_eq!(
        [next(0), next(1), next(2), next(3), next(4), next(5)],
        [Some(1), Some(1), Some(1), Some(4), Some(4), None]
    );
    assert_eq!(store.request(4).unwrap().seq, 4);
    assert!(store.request(5).is_none());
}

#[test]
fn the_oldest_leave_when_the_budget_is_spent() {
    let cost = received(1, 10_000).cost();
    let mut store = Store::new(cost * 2);
    for _ in 0..3 {
        push(&mut store, 1, 10_000);
    }
    assert_eq!(kept(&store), [3, 5]);
    assert_eq!(store.kept_bytes(), cost * 2);
    assert_eq!((store.evicted().records, store.evicted().bytes), (2, cost));
    assert_eq!(store.evicted_seq(), 2);
}

#[test]
fn a_request_larger_than_the_budget_is_not_kept_at_all() {
    let mut store = Store::new(1_000);
    push(&mut store, 1, 10_000);
    assert_eq!((kept(&store), store.kept_bytes()), (vec![], 0));
    assert_eq!(store.evicted().records, 2);
    assert_eq!(store.counts().logs.items, 1);
}

#[test]
fn an_uncompressed_body_is_paid_for_once() {
    let mut plain = received(0, 50_000);
    let before = plain.cost();
    plain.raw = Some(plain.wire.clone());
    assert_eq!(plain.cost(), before);
    plain.raw = Some(Bytes::from(vec![b'x'; 70_000]));
    assert_eq!(plain.cost(), before + 70_000);
}

#[test]
fn a_reset_forgets_all_but_the_sequence() {
    let mut store = Store::new(received(1, 10_000).cost());
    push(&mut store, 1, 10_000);
    push(&mut store, 1, 10_000);
    store.reset();
    assert_eq!((kept(&store), store.kept_bytes()), (vec![], 0));
    assert_eq!((store.evicted().records, store.counts().requests), (0, 0));
    assert_eq!(push(&mut store, 0, 0).seq, 5);
}
