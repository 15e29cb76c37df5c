//! Which door a request goes to.

use hyper::body::Incoming;
use hyper::{Request, Response};

use super::context::{Body, Context, Upgrade};
use super::doors::{echo, events, messages, page, websocket};
use super::guard;
use super::problem::Problem;
use super::rooms;
use super::socket::Talk;

/// The answer to a request.
pub(super) async fn answer(
    request: Request<Incoming>,
    context: &Context,
    upgrade: &Upgrade,
) -> Response<Body> {
    route(request, context, upgrade).await.unwrap_or_else(Response::from)
}

async fn route(
    request: Request<Incoming>,
    context: &Context,
    upgrade: &Upgrade,
) -> Result<Response<Body>, Problem> {
    guard::check(&request, context.address)?;
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/api/messages" => messages::list(request, context).await,
        "/api/events" => events::stream(request, context).await,
        "/api/echo" => echo::echo(request, context).await,
        "/ws" => websocket::upgrade(&request, upgrade, || Talk::List(context.store.subscribe())),
        "/ws/echo" => websocket::upgrade(&request, upgrade, || Talk::Echo),
        _ => match (path.strip_prefix("/api/messages/"), path.strip_prefix("/ws/room/")) {
            (Some(id), _) => messages::one(request, context, id).await,
            (None, Some(room)) => {
                let name = rooms::name(room)?;
                websocket::upgrade(&request, upgrade, || Talk::Room(context.rooms.join(name)))
            }
            (None, None) => page::file(&request),
        },
    }
}
