//! The transports of a compare, one client each, against a real server in this process: what they hear and say, what they count,
//! how they leave, and who comes back where connections break.

mod breaks;
mod door;
mod field;
mod slow;

use std::time::Duration;

use futures_util::future::join_all;
use wsdemo::tap::Network;
use wsdemo::timeline::Who;

use field::{ALL, Field, Options, Player};

/// News all the way, words back, and the end.
async fn takes_part(name: &str, tls: bool, early: bool, rtt: Duration) {
    let network = Network { rtt, ..Network::default() };
    let field = Field::start(Options { tls, network, ..Options::default() });
    let mut player = field.player(name);
    player.begin().await;
    for n in 0..5 {
        field.news(&format!("news {n}")).await;
        // Together, and each for itself.
        if n % 2 == 0 {
            player.hears_all(&field).await;
        }
    }
    player.say("Nice! ä");
    let said = field.has("anna", "Nice! ä").await;
    field.news("after the words").await;
    player.hears_all(&field).await;
    player.knows(said).await;
    let (heard, made) = (player.heard(), field.news_so_far());
    assert_eq!(heard, made, "{name}: once, and in order");
    if early {
        player.end_now();
    } else {
        player.end_soon();
    }
    let counts = player.finish().await.unwrap_or_else(|error| panic!("{name}: {error}"));
    field.all_closed().await;
    assert_eq!((counts.broken.get(), counts.recovered.get(), counts.doubled.get()), (0, 0, 0), "{name}");
    assert_eq!(counts.sent.get(), 1, "{name}");
    let told = field.told(name);
    assert_eq!(
        (counts.requests.get(), counts.content_sent.get(), counts.content_heard.get(), counts.empty.get()),
        (told.requests, told.content_sent, told.content_heard, told.empty),
        "{name}, TLS: {tls}"
    );
    assert!(told.requests > 0 && told.content_heard > 0 && told.whole, "{told:?}");
    // reqwest closes its stream without reading to the end: within TLS, a reset may follow.
    if name != "keep-alive" || !tls {
        assert!(told.firsts.iter().all(|(first, _)| *first != Who::Reset), "{name}: {told:?}");
    }
    if name == "close" {
        assert!(told.firsts.iter().all(|ended| *ended == (Who::Server, None)), "{told:?}");
    }
    if name != "keep-alive" {
        assert_eq!(counts.bytes.get(), told.bytes, "{name}, TLS: {tls}");
    }
    if name == "websocket" {
        assert_eq!(told.closes, [1000, 1000]);
        assert_eq!(told.firsts, [(Who::Server, None)]);
    }
}

async fn all_take_part(tls: bool, early: bool) {
    for name in ALL {
        takes_part(name, tls, early, Duration::ZERO).await;
    }
}

#[tokio::test]
async fn each_hears_all_says_something_counts_right_and_leaves() {
    all_take_part(false, false).await;
}

#[tokio::test]
async fn the_same_over_tls() {
    all_take_part(true, false).await;
}

#[tokio::test]
async fn the_same_far_away() {
    let rtt = Duration::from_millis(40);
    let plain = ALL.iter().map(|name| takes_part(name, false, false, rtt));
    join_all(plain.chain(ALL.iter().map(|name| takes_part(name, true, true, rtt)))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_may_end_sooner_than_was_said() {
    all_take_part(false, true).await;
    all_take_part(true, true).await;
}

/// Ready is said once, and nothing that is made from then on is missed: not even right after.
#[tokio::test]
async fn who_is_ready_hears_what_is_made_next() {
    for name in ALL {
        for tls in [false, true] {
            let field = Field::start(Options { tls, ..Options::default() });
            let mut player = field.player(name);
            player.ready().await;
            field.news("at once").await;
            player.start();
            player.hears_all(&field).await;
            player.end_now();
            player.finish().await.unwrap();
            assert_eq!(player.was_ready(), 1, "{name}");
        }
    }
}

/// Before anything began, too.
#[tokio::test]
async fn a_run_may_end_before_it_began() {
    for name in ALL {
        let field = Field::start(Options::default());
        let mut player: Player = field.player(name);
        player.end_now();
        player.finish().await.unwrap();
    }
}

#[tokio::test]
async fn nobody_is_trusted_but_the_server_itself() {
    for name in ALL {
        let field = Field::start(Options { tls: true, ..Options::default() });
        let mut player = field.player_trusting(name, &wsdemo::server::Tls::new().unwrap());
        player.start();
        let long = matches!(name, "close" | "keep-alive");
        if long {
            field.opened(2).await;
            player.end_now();
        }
        let error = player.finish().await.unwrap_err().to_string();
        assert!(error.contains("certificate"), "{name}: {error}");
    }
}
