//! Which door a request goes to, and what every door has: its methods, OPTIONS, and CORS for the pages that are let in.

use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, HeaderValue, ORIGIN, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};

use super::content::Content;
use super::context::{Body, Context, Next, Visit};
use super::doors::page::File;
use super::doors::{echo, events, messages, page, socketio, websocket};
use super::guard::{self, Ours};
use super::problem::Problem;
use super::rooms;
use super::socket::Talk;
use super::socketio::PATH;
use super::subscription::Subscription;
use super::{cors, framing};

/// A door, as it can be asked for.
#[derive(Debug)]
pub struct Door {
    /// Its path; `{…}` at the end stands for anything.
    pub path: &'static str,
    /// What one may do there. OPTIONS works everywhere.
    pub methods: &'static [&'static str],
    to: To,
}

/// What is behind a door.
#[derive(Debug, Clone, Copy)]
enum To {
    List,
    Message,
    Events,
    Echo,
    Socket,
    EchoSocket,
    Room,
    SocketIo,
    File(&'static File),
}

/// Seconds after which one who found no place may try again.
const RETRY: HeaderValue = HeaderValue::from_static("5");

const READ: &[&str] = &["GET", "HEAD"];

/// Every door. 405, OPTIONS and `docs/doors.md` say what stands here.
pub const DOORS: &[Door] = &[
    Door { path: "/api/messages", methods: &["GET", "HEAD", "POST"], to: To::List },
    Door { path: "/api/messages/{id}", methods: &["GET", "HEAD", "PUT", "PATCH", "DELETE"], to: To::Message },
    Door { path: "/api/events", methods: READ, to: To::Events },
    Door { path: "/api/echo", methods: &["POST"], to: To::Echo },
    Door { path: "/ws", methods: &["GET"], to: To::Socket },
    Door { path: "/ws/echo", methods: &["GET"], to: To::EchoSocket },
    Door { path: "/ws/room/{name}", methods: &["GET"], to: To::Room },
    Door { path: PATH, methods: &["GET", "POST"], to: To::SocketIo },
    Door { path: "/", methods: READ, to: To::File(&page::INDEX) },
    Door { path: "/page.css", methods: READ, to: To::File(&page::STYLE) },
    Door { path: "/page.js", methods: READ, to: To::File(&page::PAGE) },
    Door { path: "/ask.js", methods: READ, to: To::File(&page::ASK) },
    Door { path: "/socket.js", methods: READ, to: To::File(&page::SOCKET) },
    Door { path: "/show.js", methods: READ, to: To::File(&page::SHOW) },
    Door { path: "/icon.svg", methods: READ, to: To::File(&page::ICON) },
];

impl Door {
    /// The door at this path, and what stands there for `{…}`.
    fn at(path: &str) -> Option<(&'static Self, &str)> {
        DOORS.iter().find_map(|door| Some((door, door.rest(path)?)))
    }

    fn rest<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.path.split_once('{') {
            Some((before, _)) => path.strip_prefix(before),
            None => (path == self.path).then_some(""),
        }
    }

    /// The methods, for Allow (RFC 9110, 10.2.1).
    fn allow(&self) -> String {
        [self.methods, &["OPTIONS"]].concat().join(", ")
    }
}

/// Every method that works at some door.
fn everything() -> String {
    let mut all: Vec<&str> = Vec::new();
    for method in DOORS.iter().flat_map(|door| door.methods).chain(&["OPTIONS"]) {
        if !all.contains(method) {
            all.push(method);
        }
    }
    all.join(", ")
}

/// The answer to a request.
pub(super) async fn answer(request: Request<Incoming>, context: &Context, visit: &Visit) -> Response<Body> {
    let mut request = request.map(Some);
    let (checked, asker) = check(&request, context);
    let answer = match checked {
        Ok(()) => route(&mut request, context, visit).await,
        Err(problem) => Err(problem),
    };
    let mut response = answer.unwrap_or_else(|problem| {
        let mut response = problem.into();
        // What is left of the request is not waited for, and the client must know (RFC 9112, 9.6).
        if request.body().as_ref().is_some_and(|content| !content.is_end_stream()) {
            close(&mut response);
        }
        response
    });
    asker.told(&mut response);
    response
}

/// The answer where no place is left for a connection.
pub(super) fn refuse<B>(request: &Request<B>, context: &Context) -> Response<Body> {
    let (checked, asker) = check(request, context);
    let problem = checked.err().unwrap_or_else(|| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "every place is taken; try again later")
            .with(RETRY_AFTER, RETRY)
    });
    let mut response = problem.into();
    close(&mut response);
    asker.told(&mut response);
    response
}

/// What is wrong with a request whatever it asks for, and who asks.
fn check<B>(request: &Request<B>, context: &Context) -> (Result<(), Problem>, Asker) {
    let origins = &context.options.origins;
    let ours = Ours { address: context.address, scheme: context.scheme(), origins };
    let origin = request.headers().get(ORIGIN).cloned();
    let guarded = guard::check(request, ours);
    let depends = origin.is_some() || !origins.is_empty();
    let asker = Asker { origin: origin.filter(|_| guarded.is_ok()), depends };
    (framing::check(request).and(guarded), asker)
}

/// The page that asks, where it is one.
struct Asker {
    /// One that is let in.
    origin: Option<HeaderValue>,
    /// Whether another would have been answered otherwise.
    depends: bool,
}

impl Asker {
    fn told(self, response: &mut Response<Body>) {
        if self.depends {
            cors::depends_on_origin(response);
        }
        if let Some(origin) = self.origin {
            cors::let_in(response, origin);
        }
    }
}

fn close(response: &mut Response<Body>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

async fn route(
    request: &mut Request<Content>,
    context: &Context,
    visit: &Visit,
) -> Result<Response<Body>, Problem> {
    let path = request.uri().path().to_owned();
    // About the server as a whole (RFC 9110, 9.3.7).
    if path == "*" && request.method() == Method::OPTIONS {
        return Ok(cors::options(request, &everything()));
    }
    let (door, rest) = Door::at(&path).ok_or_else(|| Problem::nothing_at(&path))?;
    if request.method() == Method::OPTIONS {
        return Ok(cors::options(request, &door.allow()));
    }
    if !door.methods.contains(&request.method().as_str()) {
        return Err(Problem::method_not_allowed(&door.allow()));
    }
    match door.to {
        To::List => messages::list(request, context, &visit.presence).await,
        To::Message => messages::one(request, context, rest).await,
        To::Events => Ok(events::stream(request, context, &visit.presence)),
        To::Echo => echo::echo(request, context).await,
        To::Socket => {
            let talk = || Ok(Next::Talk(Talk::List(Subscription::new(&context.store))));
            websocket::upgrade(request, &visit.upgrade, talk)
        }
        To::EchoSocket => websocket::upgrade(request, &visit.upgrade, || Ok(Next::Talk(Talk::Echo))),
        To::Room => {
            let name = rooms::name(rest)?;
            websocket::upgrade(request, &visit.upgrade, || {
                Ok(Next::Talk(Talk::Room(context.rooms.join(name))))
            })
        }
        To::SocketIo => socketio::speak(request, context, visit).await,
        To::File(file) => page::file(request, file, context.address, context.scheme()),
    }
}
