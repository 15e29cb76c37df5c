//! `POST /api/echo`: what came, as it came.

use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Request, Response};

use crate::server::content::{self, Content};
use crate::server::context::{Body, Context};
use crate::server::problem::Problem;

/// A page that a browser would make of it may do nothing, and is of no origin: or else whoever can make somebody send
/// something here could let a script speak as one of our pages.
const HARMLESS: &str = "sandbox; default-src 'none'";

/// The content with its type, or without one, where none came.
pub(in crate::server) async fn echo(
    request: &mut Request<Content>,
    context: &Context,
) -> Result<Response<Body>, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).cloned();
    let content = content::read(request, &context.options.limits).await?;
    let mut response = Response::new(Body::new(content));
    let headers = response.headers_mut();
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(HARMLESS));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
