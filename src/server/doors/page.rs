//! `GET /`: the web page, and the files that belong to it.

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

use crate::server::context::Body;
use crate::server::problem::Problem;

/// The page or one of its files, by path; there is nothing else.
pub(in crate::server) fn file(request: &Request<Incoming>) -> Result<Response<Body>, Problem> {
    Err(Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", request.uri().path())))
}
