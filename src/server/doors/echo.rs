//! `POST /api/echo`: what came, as it came.

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

use crate::server::context::{Body, Context};
use crate::server::problem::Problem;

/// Not there yet.
pub(in crate::server) async fn echo(
    request: Request<Incoming>,
    _context: &Context,
) -> Result<Response<Body>, Problem> {
    Err(Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", request.uri().path())))
}
