//! A `wire` fence: the transcript's lines to what is to be done, in order.

use super::page::{Page, Piece};
use super::scope::{NOBODY, Scope};
use super::values::{
    CLIENT_NAME, as_client_name, client_name_mend, duration, is_client_name, is_token, remark,
};
use super::{expects, sends, socketio, statements};
use crate::lesson::script::{Act, Expect, Send, What};
use crate::lesson::template;

/// Reads the lines of a fence. What is wrong with them is noted on the page.
pub(super) fn parse<'a>(lines: &[Piece<'a>], scope: &mut Scope, page: &mut Page<'a>) -> Vec<Act> {
    let mut reader = Reader { page: &mut *page, scope: &mut *scope, acts: Vec::new(), open: None };
    for &line in lines {
        if !reader.line(line) {
            break;
        }
    }
    reader.close();
    let mut acts = reader.acts;
    socketio::pair(&mut acts, scope, page);
    acts
}

/// A line, taken apart.
#[derive(Clone, Copy)]
struct Line<'a> {
    /// The name in front.
    name: Option<Piece<'a>>,
    /// `>`, `<`, `!`, `=` or `~`.
    marker: char,
    /// What follows the marker; of the blanks between them at most one is gone, as in a body.
    rest: Piece<'a>,
    /// The whole line, trimmed, without the remark.
    whole: Piece<'a>,
    remark: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn client(&self) -> &'a str {
        self.name.map_or(NOBODY, |name| name.text)
    }

    /// What to point at: what follows the marker, or all where nothing does.
    fn words(&self) -> Piece<'a> {
        let words = self.rest.trim();
        if words.is_empty() { self.whole } else { words }
    }
}

/// The request or response that the next lines may belong to.
struct Open {
    client: String,
    marker: char,
    place: Place,
    /// The lines of the body.
    body: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Head,
    Body,
    /// Its first line was not understood: what belongs to it is passed over.
    Lost,
}

struct Reader<'p, 'a> {
    page: &'p mut Page<'a>,
    scope: &'p mut Scope,
    acts: Vec<Act>,
    open: Option<Open>,
}

impl<'a> Reader<'_, 'a> {
    /// False where the rest of the fence is not worth reading.
    fn line(&mut self, raw: Piece<'a>) -> bool {
        let (text, remark) = remark(raw);
        let whole = text.trim();
        if whole.text.starts_with("```") || whole.text.starts_with("## ") {
            self.page.mistake(
                whole,
                "this fence is not closed before here",
                "a line with ``` alone before this one",
            );
            return false;
        }
        if whole.is_empty() || whole.text.starts_with('#') {
            return true;
        }
        let Some(line) = self.take_apart(whole, remark) else {
            return true;
        };
        let known = if line.marker == '<' {
            self.scope.capture(line.rest);
            true
        } else {
            self.scope.names_known(line.rest, self.page)
        };
        match line.marker {
            '>' | '<' => self.message(line),
            _ => {
                self.close();
                // A claim with an unknown name is no claim either: one complaint is enough.
                if known || line.marker != '=' {
                    self.other(line);
                }
            }
        }
        true
    }

    /// The name, the marker, the rest.
    fn take_apart(&mut self, whole: Piece<'a>, remark: Option<&'a str>) -> Option<Line<'a>> {
        let (name, marked) = match whole.split(':') {
            Some((name, rest))
                if !starts_with_marker(whole.text) && starts_with_marker(rest.text.trim_start()) =>
            {
                (Some(name.trim_end()), rest.trim_start())
            }
            _ => (None, whole),
        };
        if !starts_with_marker(marked.text) {
            let message = "a line of a transcript begins with >, <, !, = or ~, or with a client's name and one of these";
            let mend = self.marker_for(whole.text);
            self.lose(NOBODY, if mend.starts_with('<') { '<' } else { '>' });
            self.page.mistake(whole, message, mend);
            return None;
        }
        if let Some(name) = name {
            if name.text == "server" {
                let message = "the server is no client: what it does by itself is a `!` line, what it sends a client gets (`<`)";
                self.page.mistake(name, message, r#"! say "GOAL""#);
                return None;
            }
            if !is_client_name(name.text) {
                let message = format!("\"{}\" is no client's name: {CLIENT_NAME}", name.text);
                let mend = client_name_mend(name.text, &format!(": {}", marked.text));
                self.page.mistake(name, message, mend);
                self.lose(&as_client_name(name.text), '>');
                return None;
            }
        }
        let marker = marked.text.chars().next()?;
        let rest = marked.from(marker.len_utf8());
        let rest = rest.strip(" ").unwrap_or(rest);
        Some(Line { name, marker, rest, whole, remark })
    }

    /// A line was not understood, and may have been anything: what only follows from that is not complained of.
    fn lose(&mut self, client: &str, marker: char) {
        self.scope.anything(client);
        if self.open.is_none() {
            self.open =
                Some(Open { client: client.to_owned(), marker, place: Place::Lost, body: Vec::new() });
        }
    }

    /// What somebody who left out the marker may have meant.
    fn marker_for(&self, text: &str) -> String {
        if let Some((name, rest)) = text.split_once(char::is_whitespace)
            && starts_with_marker(rest.trim_start())
        {
            return client_name_mend(name, &format!(": {}", rest.trim_start()));
        }
        let open = self.open.as_ref().map(|open| open.marker);
        let marker = match text.split_whitespace().next().unwrap_or_default() {
            "say" | "cut" | "stall" | "vanish" => '!',
            "open" | "closed" | "same" | "new" | "silence" | "response" => '=',
            _ if sends::begins(text) => '>',
            _ if expects::begins(text) => '<',
            _ => open.unwrap_or('>'),
        };
        format!("{marker} {text}")
    }

    /// `>` or `<`.
    fn message(&mut self, line: Line<'a>) {
        if self.goes_on(&line) {
            return;
        }
        self.close();
        let rest = line.rest.trim();
        let client = line.client();
        let what = if rest.is_empty() {
            let message = format!(
                "a bare `{}` stands between a head and its body, and there is no head before it",
                line.marker
            );
            self.page.mistake(
                line.whole,
                message,
                if line.marker == '>' { "> GET /api/messages" } else { "< 200" },
            );
            None
        } else if line.marker == '>' {
            let send = sends::parse(rest, self.page);
            if let Some(send) = &send {
                self.scope.sends(client, send, rest, self.page);
            }
            send.map(What::Send)
        } else {
            let expect = expects::parse(rest, self.page);
            if let Some((expect, _)) = &expect {
                self.scope.expects(client, expect, rest, self.page);
            }
            expect.map(|(expect, within)| What::Expect(expect, within))
        };
        let headed =
            matches!(what, Some(What::Send(Send::Request { .. }) | What::Expect(Expect::Response { .. }, _)));
        if what.is_none() {
            self.scope.anything(client);
        }
        if headed || what.is_none() {
            let place = if headed { Place::Head } else { Place::Lost };
            self.open =
                Some(Open { client: client.to_owned(), marker: line.marker, place, body: Vec::new() });
        }
        if let Some(what) = what {
            self.push(&line, Some(client), what);
        }
    }

    fn push(&mut self, line: &Line<'a>, client: Option<&str>, what: What) {
        self.acts.push(Act {
            client: client.map(str::to_owned),
            line: line.whole.line,
            source: line.whole.text.to_owned(),
            remark: line.remark.map(str::to_owned),
            what,
        });
    }

    /// Whether the line belongs to the request or response before it; then it is added there.
    fn goes_on(&mut self, line: &Line<'a>) -> bool {
        let Some(open) = &self.open else { return false };
        if open.client != line.client() || open.marker != line.marker {
            return false;
        }
        let begins = if line.marker == '>' { sends::begins } else { expects::begins };
        let begins = begins(line.rest.text);
        let ours = match open.place {
            Place::Lost => !begins,
            Place::Head => !begins && (line.rest.trim().is_empty() || line.rest.text.contains(':')),
            // A body of JSON that is complete is over, if something else can begin here.
            Place::Body => !(begins && self.body().is_some_and(|body| template::json(body).is_ok())),
        };
        if ours && open.place != Place::Lost {
            self.add(line);
            self.add_remark(line.remark);
        }
        ours
    }

    fn add(&mut self, line: &Line<'a>) {
        let Some(open) = &mut self.open else { return };
        // Only a GET can ask for a socket (RFC 6455, 4.1).
        let get = matches!(self.acts.last().map(|act| &act.what), Some(What::Send(Send::Request { method, .. })) if method == "GET");
        let Some((headers, body)) = self.acts.last_mut().and_then(parts) else {
            return;
        };
        if open.place == Place::Body {
            match body {
                Some(body) => body.extend(["\n", line.rest.text]),
                None => *body = Some(line.rest.text.to_owned()),
            }
            open.body.push(line.whole.line);
            return;
        }
        let rest = line.rest.trim();
        let Some((name, value)) = rest.split(':') else {
            open.place = Place::Body;
            return;
        };
        if !is_token(name.text) {
            let fixed = name.text.trim().replace(char::is_whitespace, "-");
            let mend = if is_token(&fixed) {
                format!("{fixed}:{}", value.text)
            } else {
                "content-type: application/json".to_owned()
            };
            self.page.mistake(name, format!("\"{}\" is no header's name (RFC 9110, 5.1)", name.text), mend);
            return;
        }
        let value = value.trim();
        if value.text.chars().any(|c| c.is_control() && c != '\t') {
            self.page.mistake(value, "a header's value holds no control characters (RFC 9110, 5.5)", "");
            return;
        }
        headers.push((name.text.to_owned(), value.text.to_owned()));
        if name.text.eq_ignore_ascii_case("accept") && value.text.starts_with("text/event-stream") {
            self.scope.opens_stream(line.client());
        }
        if name.text.eq_ignore_ascii_case("upgrade") && value.text.eq_ignore_ascii_case("websocket") && get {
            self.scope.opens_socket(line.client());
        }
    }

    /// A row has one margin: remarks beside further lines of a request or response go there too.
    fn add_remark(&mut self, remark: Option<&str>) {
        let Some((act, remark)) = self.acts.last_mut().zip(remark) else {
            return;
        };
        act.remark = Some(match act.remark.take() {
            Some(first) => format!("{first}; {remark}"),
            None => remark.to_owned(),
        });
    }

    fn body(&self) -> Option<&str> {
        match &self.acts.last()?.what {
            What::Send(Send::Request { body, .. }) | What::Expect(Expect::Response { body, .. }, _) => {
                body.as_deref()
            }
            _ => None,
        }
    }

    /// Nothing belongs to the last request or response any more.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.place != Place::Body || open.marker != '<' {
            return;
        }
        // A bare `<` with nothing after it: the body is to be empty. After a bare `>`: there is none.
        let Some((_, body)) = self.acts.last_mut().and_then(parts) else {
            return;
        };
        let text = body.get_or_insert_default();
        let json = text.trim_start().starts_with('{')
            && template::places(text).next().is_none_or(|(place, _)| place.start > 0);
        if json && let Err(error) = template::json(text) {
            let line = error.line().checked_sub(1).and_then(|at| open.body.get(at)).or(open.body.last());
            let at = self.page.line(line.copied().unwrap_or(1)).trim();
            let message = format!("the body begins like JSON, but is none: {}", expects::brief(&error));
            self.page.mistake(at, message, r#"< {"text":"GOAL"}, or < * for any body"#);
        }
    }

    /// `!`, `=` or `~`.
    fn other(&mut self, line: Line<'a>) {
        let words = line.words();
        let client = line.name.map(|name| name.text);
        if line.rest.trim().is_empty() {
            let (what, mend) = match line.marker {
                '!' => ("something that happens", r#"! say "GOAL! 1-0""#),
                '=' => ("a claim", "= open"),
                _ => ("a time", "~ 2s"),
            };
            self.page.mistake(words, format!("a `{}` line needs {what}", line.marker), mend);
            return;
        }
        if let Some(name) = line.name {
            self.scope.knows_client(name, self.page);
        }
        let what = match line.marker {
            '!' => {
                self.scope.happens();
                statements::world(words, line.name, self.scope.last_client(), self.page).map(What::World)
            }
            '=' => {
                if !self.scope.happened() {
                    let message = "nothing has happened in this lesson that a claim could be about";
                    self.page.mistake(line.whole, message, "a line before it: > GET /api/messages");
                }
                statements::claim(words, self.page).map(What::Claim)
            }
            _ => duration(words, self.page).map(What::Wait),
        };
        if let Some(what) = what {
            self.push(&line, client, what);
        }
    }
}

type Headers = Vec<(String, String)>;

/// The headers and body of a request or response.
fn parts(act: &mut Act) -> Option<(&mut Headers, &mut Option<String>)> {
    match &mut act.what {
        What::Send(Send::Request { headers, body, .. })
        | What::Expect(Expect::Response { headers, body, .. }, _) => Some((headers, body)),
        _ => None,
    }
}

fn starts_with_marker(text: &str) -> bool {
    text.starts_with(['>', '<', '!', '=', '~'])
}

#[cfg(test)]
mod tests;
