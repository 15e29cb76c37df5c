//! Clients of a crowd come through a door with few places: each gives its place back, however it goes on.

use std::net::Ipv4Addr;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::field::{Field, Options, Player};
use crate::harness::LIMIT;

/// Those that have something to get ready.
const THEY: [&str; 5] = ["long-poll", "sse", "websocket", "socketio", "socketio-upgrade"];

/// The place is there again.
async fn is_free(door: &Semaphore, name: &str) {
    let place = timeout(LIMIT, door.acquire()).await;
    drop(place.unwrap_or_else(|_| panic!("{name} keeps its place")).unwrap());
}

async fn one_after_another(name: &str, tls: bool) {
    let field = Field::start(Options { tls, ..Options::default() });
    let door = Arc::new(Semaphore::new(1));
    let mut players: Vec<Player> = (0..3).map(|_| field.player_at(&door, name)).collect();
    for player in &mut players {
        player.ready().await;
    }
    // While they are there, nobody stands at the door.
    is_free(&door, name).await;
    players.iter().for_each(Player::start);
    let news = field.news("news").await;
    for player in &mut players {
        player.hears(news).await;
        player.end_now();
        player.finish().await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test]
async fn one_place_is_enough_for_three() {
    let plain = THEY.map(|name| one_after_another(name, false));
    join_all(plain.into_iter().chain(THEY.map(|name| one_after_another(name, true)))).await;
}

/// Whoever is refused, does not believe the server, or finds nobody there, goes away from the door.
async fn fails_at_the_door(name: &str) {
    let door = Arc::new(Semaphore::new(1));
    let field = Field::start(Options { tls: true, ..Options::default() });
    let mut players: Vec<Player> = (0..2).map(|_| field.stranger_at(&door, name)).collect();
    for player in &mut players {
        player.start();
        player.finish().await.unwrap_err();
    }
    let mut player = field.player_at(&door, name);
    player.begin().await;
    player.end_now();
    player.finish().await.unwrap();
    is_free(&door, name).await;
    field.server.stop().await;
    let mut late = field.player_at(&door, name);
    late.start();
    late.finish().await.unwrap_err();
    is_free(&door, name).await;
}

#[tokio::test]
async fn who_fails_at_the_door_leaves_it() {
    join_all(THEY.map(fails_at_the_door)).await;
}

/// The server takes the connection and says nothing; two others are not even let in. Then the run is over.
async fn is_over_at_the_door(name: &str) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut field = Field::start(Options::default());
    field.address = listener.local_addr().unwrap();
    let door = Arc::new(Semaphore::new(1));
    let mut players: Vec<Player> = (0..3).map(|_| field.player_at(&door, name)).collect();
    let (stream, _) = timeout(LIMIT, listener.accept()).await.unwrap().unwrap();
    // A long poll is ready as soon as it may ask; all others never here.
    let silent = name != "long-poll";
    assert!(!silent || door.available_permits() == 0, "{name}");
    players.iter().for_each(Player::end_now);
    for player in &mut players {
        player.finish().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!silent || player.was_ready() == 0, "{name}");
    }
    drop(stream);
    is_free(&door, name).await;
}

#[tokio::test]
async fn who_is_not_let_in_before_the_run_is_over_goes_away() {
    join_all(THEY.map(is_over_at_the_door)).await;
}
