//! Plays a `wire` fence, line by line.

use std::time::Duration;

use bytes::Bytes;
use hyper::Request;
use hyper::header::{CONNECTION, HOST, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::player::{PlayError, Player};
use super::skip::Manner;
use super::stage::Stage;
use super::{claims, expect};
use crate::client::{Arg, Channel, Command, Emit, Incoming, Io, Streamed, new_key};
use crate::lesson::script::{Act, Expect, One, Send, Statement, Values, What, Wire, World};
use crate::lesson::template;
use crate::server::Draft;
use crate::timeline::{Claim, Kind, Role, Seq, Side};

/// Who acts where no name is written.
const NOBODY: &str = "client";

/// Who makes the news.
pub(super) const REFEREE: &str = "referee";

impl Player<'_> {
    /// Plays a whole fence; what does not hold is told, and played on.
    pub(super) async fn transcript(&mut self, wire: &Wire) -> Result<(), PlayError> {
        let is_told = self.manner == Manner::Told;
        let since = if is_told { self.begin(wire) } else { self.taps.bus().last() };
        self.spoke = None;
        for (index, act) in wire.acts.iter().enumerate() {
            if is_told {
                self.announce_remarks(&wire.acts[index..]);
            }
            self.act(act, since).await?;
            if self.is_over() {
                break;
            }
        }
        self.unexpected(wire.line).await;
        if is_told {
            self.tell(Role::Played, "", None);
        }
        Ok(())
    }

    fn begin(&mut self, wire: &Wire) -> Seq {
        self.taps.bus().append(Kind::Say {
            lesson: self.lesson.name.clone(),
            role: Role::Wire,
            text: wire.text.clone(),
            detail: None,
            show: Some(wire.show),
            from: None,
            packet: None,
            lanes: Vec::new(),
        })
    }

    /// A remark must be known before its row appears: that of a sending line before it is played, those of the answers
    /// that it causes together with it.
    fn announce_remarks(&mut self, rest: &[Act]) {
        let Some((first, later)) = rest.split_first() else { return };
        if !matches!(first.what, What::Send(_) | What::World(_)) {
            return;
        }
        let answers = later.iter().take_while(|act| !matches!(act.what, What::Send(_) | What::World(_)));
        for act in std::iter::once(first).chain(answers) {
            let Some(remark) = &act.remark else { continue };
            let (from, packet) = match &act.what {
                What::Send(send) => (Side::Client, sent_packet(send)),
                // What a client does when the server lets it.
                What::Expect(Expect::Upgrade, _) => (Side::Client, Some("upgrade".to_owned())),
                What::Expect(expect, _) => (Side::Server, expected_packet(expect)),
                What::World(_) => (Side::Server, None),
                // A claim's remark is shown with the claim.
                What::Claim(_) | What::Wait(_) => continue,
            };
            let client = act.client.clone().unwrap_or_default();
            self.remark(&remark.clone(), &client, from, packet);
        }
    }

    async fn act(&mut self, act: &Act, since: Seq) -> Result<(), PlayError> {
        let name = act.client.as_deref().unwrap_or(NOBODY);
        if matches!(act.what, What::Send(_) | What::Expect(..)) {
            self.spoke = Some(name.to_owned());
        }
        match &act.what {
            What::Send(send) => self.send(act, name, send).await,
            What::Expect(expect, within) => self.expect(act, name, expect, *within).await,
            What::World(world) => self.world(act, world).await,
            What::Claim(statement) => {
                self.check(act, statement, since).await;
                Ok(())
            }
            What::Wait(_) if self.manner == Manner::Hurried => Ok(()),
            What::Wait(time) => {
                let working = self.working("waiting", *time);
                tokio::time::sleep(*time).await;
                drop(working);
                Ok(())
            }
        }
    }

    async fn send(&mut self, act: &Act, name: &str, send: &Send) -> Result<(), PlayError> {
        let failed = |what: String| PlayError::Line { line: act.line, what };
        if let Some(missing) = self.unfilled(send) {
            let expected = format!("a value for {{{missing}}}");
            self.broken(act, &expected, "the line that captures it did not come true: nothing was sent");
            return Ok(());
        }
        let io = |error: std::io::Error| failed(format!("{name} could not connect: {error}"));
        let done = match send {
            Send::Request { method, target, headers, body } => {
                let request = self.request(method, target, headers, body.as_deref()).map_err(failed)?;
                self.stage()?.person(name).request(request).await.map_err(io)?;
                true
            }
            Send::Connect => {
                self.stage()?.person(name).connect().await.map_err(io)?;
                true
            }
            Send::Io { mode, namespace } => {
                let namespace = self.fill(namespace);
                self.stage()?.person(name).io(*mode, &namespace).await;
                true
            }
            Send::Emit { name: event, data, asks } => {
                let emit = match self.emit(event, data) {
                    Ok(emit) => emit.asking(*asks),
                    Err(why) => {
                        self.broken(act, "JSON to send", &why);
                        return Ok(());
                    }
                };
                self.stage()?.person(name).emit(emit);
                true
            }
            Send::Disconnect => self.stage()?.person(name).on_socket(Command::Leave),
            Send::Raw(bytes) => self.stage()?.person(name).on_any(Command::Raw(bytes.clone())),
            Send::Fin => self.stage()?.person(name).on_any(Command::Fin),
            Send::Reset => self.stage()?.person(name).on_any(Command::Reset),
            Send::Text { .. }
            | Send::Binary { .. }
            | Send::Continuation { .. }
            | Send::Ping(_)
            | Send::Pong(_)
            | Send::Close(_) => {
                let Some(message) = self.message(send) else { return Ok(()) };
                self.stage()?.person(name).on_socket(Command::Message(message))
            }
        };
        if !done {
            self.broken(act, "an open connection", &format!("{name} has none"));
        }
        Ok(())
    }

    /// A name in it that has no value: what captures it did not come true.
    fn unfilled(&self, send: &Send) -> Option<String> {
        let texts: Vec<&str> = match send {
            Send::Request { target, headers, body, .. } => {
                let values = headers.iter().map(|(_, value)| value.as_str());
                values.chain([target.as_str()]).chain(body.as_deref()).collect()
            }
            Send::Text { text, .. }
            | Send::Continuation { text, .. }
            | Send::Ping(text)
            | Send::Pong(text) => {
                vec![text]
            }
            Send::Close(Some((_, reason))) => vec![reason],
            Send::Io { namespace, .. } => vec![namespace],
            Send::Emit { data: Values::Json(data), .. } => vec![data],
            Send::Emit { data: Values::Mixed(all), .. } => {
                let texts = all.iter().filter_map(|one| match one {
                    One::Json(text) => Some(text.as_str()),
                    One::Binary(_) => None,
                });
                texts.collect()
            }
            Send::Binary { .. }
            | Send::Close(None)
            | Send::Connect
            | Send::Emit { .. }
            | Send::Disconnect
            | Send::Raw(_)
            | Send::Fin
            | Send::Reset => Vec::new(),
        };
        let filled: Vec<String> = texts.into_iter().map(|text| self.fill(text)).collect();
        filled.iter().find_map(|text| template::names(text).next().map(ToOwned::to_owned))
    }

    /// Host and Content-Length are added unless written, and what a handshake needs; nothing else.
    fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: Option<&str>,
    ) -> Result<Request<crate::client::Body>, String> {
        let written = |name: &HeaderName| {
            headers.iter().any(|(written, _)| written.eq_ignore_ascii_case(name.as_str()))
        };
        let mut request = Request::builder().method(method).uri(self.fill(target));
        if !written(&HOST) {
            request =
                request.header(HOST, self.address().map(|address| address.to_string()).unwrap_or_default());
        }
        for (name, value) in headers {
            request = request.header(name, self.fill(value));
        }
        if written(&UPGRADE) {
            let added = [
                (CONNECTION, "Upgrade".into()),
                (SEC_WEBSOCKET_VERSION, "13".into()),
                (SEC_WEBSOCKET_KEY, new_key()),
            ];
            for (name, value) in added.into_iter().filter(|(name, _)| !written(name)) {
                request = request.header(name, value);
            }
        }
        let body = body.map_or_else(Bytes::new, |body| self.fill(body).into());
        request.body(body.into()).map_err(|error| error.to_string())
    }

    /// An event, with what is known filled in.
    fn emit(&self, name: &str, data: &Values) -> Result<Emit, String> {
        match data {
            Values::Json(data) => {
                let data = format!("[{}]", self.fill(data));
                let values = serde_json::from_str(&data).map_err(|error| format!("{data}: {error}"))?;
                Ok(Emit::json(name, values))
            }
            Values::Mixed(all) => {
                let value = |one: &One| match one {
                    One::Binary(data) => Ok(Arg::Binary(data.clone().into())),
                    One::Json(text) => {
                        let text = self.fill(text);
                        let value = serde_json::from_str(&text);
                        value.map(Arg::Json).map_err(|error| format!("{text}: {error}"))
                    }
                };
                Ok(Emit::new(name, all.iter().map(value).collect::<Result<_, _>>()?))
            }
            Values::Any => Ok(Emit::json(name, Vec::new())),
        }
    }

    /// What is sent on a socket; `None` for what is no message.
    fn message(&self, send: &Send) -> Option<Message> {
        Some(match send {
            Send::Text { text, fin: true } => Message::Text(self.fill(text).into()),
            Send::Text { text, fin } => fragment(self.fill(text).into(), Data::Text, *fin),
            Send::Binary { data, fin: true } => Message::Binary(data.clone().into()),
            Send::Binary { data, fin } => fragment(data.clone().into(), Data::Binary, *fin),
            Send::Continuation { text, fin } => fragment(self.fill(text).into(), Data::Continue, *fin),
            Send::Ping(text) => Message::Ping(self.fill(text).into()),
            Send::Pong(text) => Message::Pong(self.fill(text).into()),
            Send::Close(None) => Message::Close(None),
            Send::Close(Some((code, reason))) => {
                let reason = self.fill(reason).into();
                Message::Close(Some(CloseFrame { code: (*code).into(), reason }))
            }
            Send::Request { .. }
            | Send::Connect
            | Send::Io { .. }
            | Send::Emit { .. }
            | Send::Disconnect
            | Send::Raw(_)
            | Send::Fin
            | Send::Reset => return None,
        })
    }

    async fn expect(
        &mut self,
        act: &Act,
        name: &str,
        wanted: &Expect,
        within: Duration,
    ) -> Result<(), PlayError> {
        let (known, speakers) = (self.captures.clone(), self.speakers.clone());
        let within = self.patience(within);
        let person = self.stage()?.person(name);
        let wait = async {
            if *wanted == Expect::Upgrade {
                return Err(person.upgraded().await);
            }
            loop {
                let incoming = person.next_from(channel(wanted)).await;
                let guests = expect::is_news_of_others(&incoming, &speakers);
                let passed_over = guests && expect::matches(wanted, &incoming, &known).is_err();
                if !passed_over && !expect::is_skipped(wanted, &incoming) {
                    return Ok(incoming);
                }
            }
        };
        let Ok(incoming) = tokio::time::timeout(within, wait).await else {
            let saw = format!("nothing within {}", humantime::format_duration(within));
            self.broken(act, &act.source, &saw);
            return Ok(());
        };
        let incoming = match incoming {
            Ok(incoming) => incoming,
            Err(Ok(())) => return Ok(()),
            Err(Err(why)) => {
                self.broken(act, &act.source, &format!("no upgrade: {why}"));
                return Ok(());
            }
        };
        match expect::matches(wanted, &incoming, &self.captures) {
            Ok(found) => self.captures.extend(found),
            Err(mismatch) => {
                let expected = mismatch.expected.unwrap_or_else(|| act.source.clone());
                self.broken(act, &expected, &mismatch.saw);
            }
        }
        Ok(())
    }

    /// Tells that a line did not come true.
    fn broken(&mut self, act: &Act, expected: &str, saw: &str) {
        let claim = Claim {
            text: act.source.clone(),
            held: Some(false),
            evidence: vec![self.taps.bus().last()],
            line: act.line as u64,
            remark: None,
            expected: Some(expected.into()),
            saw: Some(saw.into()),
        };
        self.claim(claim);
    }

    /// A message that no line expected. Responses that are still on their way are waited for.
    pub(super) async fn unexpected(&mut self, line: usize) {
        if self.is_over() {
            return;
        }
        self.settle(|person, state| person.is_all_seen(state) && person.is_all_answered()).await;
        // What the server sent last is on its way for so long.
        tokio::time::sleep(self.flags.network.rtt).await;
        let mut left = Vec::new();
        for (name, person) in self.stage.iter_mut().flat_map(Stage::people) {
            while let Some(incoming) = person.arrived() {
                // That a connection ended is what claims are for.
                let control = matches!(
                    incoming,
                    Incoming::Ping(_)
                        | Incoming::Pong(_)
                        | Incoming::Streamed(Streamed::Id(_) | Streamed::Retry(_))
                        | Incoming::Io(Io::Ended(_) | Io::Left)
                );
                if !control && !expect::is_news_of_others(&incoming, &self.speakers) {
                    left.push(format!("{name}: < {}", expect::describe(&incoming)));
                }
            }
        }
        if let Some(first) = left.first() {
            let more = if left.len() > 1 { format!(" and {} more", left.len() - 1) } else { String::new() };
            let claim = Claim {
                text: "nothing else arrives".into(),
                held: Some(false),
                evidence: vec![self.taps.bus().last()],
                line: line as u64,
                remark: None,
                expected: Some("no message beyond those written".into()),
                saw: Some(format!("{first}{more}")),
            };
            self.claim(claim);
        }
    }

    async fn world(&mut self, act: &Act, world: &World) -> Result<(), PlayError> {
        let bus = self.taps.bus().clone();
        let whom = act.client.clone();
        let told = |what: &str, text: String| Kind::World { what: what.into(), id: None, text };
        match world {
            World::Say(words) => {
                let text = self.fill(words);
                let draft = Draft { from: REFEREE.into(), text: text.clone() };
                let stage = self.stage()?;
                let times = stage.made().clone();
                let made = |message: &crate::server::Message| {
                    let said =
                        bus.append_with(|_| Kind::World { what: "say".into(), id: Some(message.id), text });
                    // To the nanosecond: whoever subtracts the times on the screen gets the delay on the screen.
                    times.note(message.id, said.at);
                };
                if let Err(error) = stage.server.store.post_with(draft, made).await {
                    self.broken(act, "a message in the list", &error.to_string());
                }
            }
            World::Cut => {
                bus.append(told("cut", whom.clone().unwrap_or_else(|| "all".into())));
                self.taps.live(whom.as_deref()).iter().for_each(|control| control.cut());
            }
            World::Stall(time) => {
                bus.append(told("stall", whom.clone().unwrap_or_else(|| "all".into())));
                self.taps.live(whom.as_deref()).iter().for_each(|control| control.stall(*time));
            }
            World::Vanish => {
                let name = whom.unwrap_or_else(|| NOBODY.into());
                bus.append(told("vanish", name.clone()));
                self.stage()?.person(&name).vanish();
            }
        }
        Ok(())
    }

    async fn check(&mut self, act: &Act, statement: &Statement, since: Seq) {
        if self.manner != Manner::Told {
            return claims::outlast(self, act, statement, since).await;
        }
        let claim = claims::check(self, act, statement, since).await;
        if let (Statement::Silence(time), Some(true)) = (statement, claim.held) {
            self.measured.silence(*time);
        }
        self.claim(claim);
    }
}

/// Where it must come from.
fn channel(expect: &Expect) -> Option<Channel> {
    match expect {
        Expect::Response { .. } => Some(Channel::Answers),
        Expect::Event { .. } | Expect::Id(_) | Expect::Retry(_) => Some(Channel::Stream),
        Expect::Text(_)
        | Expect::Binary(_)
        | Expect::Ping(_)
        | Expect::Pong(_)
        | Expect::Close { .. }
        | Expect::Connect(_)
        | Expect::ConnectError(_)
        | Expect::Ack(_)
        | Expect::Disconnect
        | Expect::Upgrade
        | Expect::Anything => None,
    }
}

/// The packet of Socket.IO that such a line sends.
fn sent_packet(send: &Send) -> Option<String> {
    match send {
        Send::Emit { name, .. } => Some(format!("event {name}")),
        Send::Disconnect => Some("disconnect".into()),
        Send::Request { .. }
        | Send::Connect
        | Send::Io { .. }
        | Send::Text { .. }
        | Send::Binary { .. }
        | Send::Continuation { .. }
        | Send::Ping(_)
        | Send::Pong(_)
        | Send::Close(_)
        | Send::Raw(_)
        | Send::Fin
        | Send::Reset => None,
    }
}

/// The packet of Socket.IO that such a line expects; an event may also come without.
fn expected_packet(expect: &Expect) -> Option<String> {
    match expect {
        Expect::Event { name, .. } => Some(format!("event {name}")),
        Expect::Connect(_) => Some("connect".into()),
        Expect::ConnectError(_) => Some("connect_error".into()),
        Expect::Ack(_) => Some("ack".into()),
        Expect::Disconnect => Some("disconnect".into()),
        Expect::Upgrade => Some("upgrade".into()),
        Expect::Id(_) | Expect::Retry(_) => Some("setting".into()),
        Expect::Response { .. }
        | Expect::Text(_)
        | Expect::Binary(_)
        | Expect::Ping(_)
        | Expect::Pong(_)
        | Expect::Close { .. }
        | Expect::Anything => None,
    }
}

fn fragment(payload: Bytes, data: Data, fin: bool) -> Message {
    Message::Frame(Frame::message(payload, OpCode::Data(data), fin))
}
