//! Which door a request goes to.

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

use super::context::{Body, Context, Upgrade};
use super::doors::{messages, websocket};
use super::guard;
use super::problem::Problem;

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
        "/api/messages" => messages::list(request, &context.store).await,
        "/ws" => websocket::upgrade(&request, &context.store, upgrade),
        _ => match path.strip_prefix("/api/messages/") {
            Some(id) => messages::one(request, &context.store, id).await,
            None => Err(Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}"))),
        },
    }
}
