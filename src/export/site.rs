//! What the server answers.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue,
    VARY, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode};

use super::access::Access;
use super::negotiate::{self, Wanted};
use super::passwords::Verdict;
use super::relay::Samples;

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The pages.
pub(super) struct Site {
    pub(super) samples: Samples,
    /// The path of the metrics.
    pub(super) telemetry_path: String,
    pub(super) access: Access,
}

impl Site {
    /// Answers a request. Its body is not read.
    pub(super) async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let header = |name| {
            let value: Option<&HeaderValue> = request.headers().get(name);
            value.and_then(|value| value.to_str().ok())
        };
        match self.access.passwords().check(header(AUTHORIZATION)).await {
            Verdict::Right => {}
            Verdict::Wrong => return unauthorised(),
            Verdict::Busy => {
                let text = "Too many passwords to check, try again later\n";
                return response(StatusCode::SERVICE_UNAVAILABLE, TEXT, text);
            }
        }
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "Use GET\n");
            let allowed = HeaderValue::from_static("GET, HEAD");
            refused.headers_mut().insert(ALLOW, allowed);
            return refused;
        }
        match request.uri().path() {
            path if path == self.telemetry_path => {
                let wanted = Wanted {
                    format: negotiate::format(header(ACCEPT).unwrap_or_default()),
                    gzip: negotiate::gzip(header(ACCEPT_ENCODING).unwrap_or_default()),
                };
                let page = self.samples.get().await;
                metrics(wanted, page.body(wanted))
            }
            "/" => response(StatusCode::OK, HTML, self.landing_page()),
            "/healthz" => response(StatusCode::OK, TEXT, "ok\n"),
            _ => response(StatusCode::NOT_FOUND, TEXT, "Not found\n"),
        }
    }

    fn landing_page(&self) -> String {
        // The path has no character that means something in HTML, see `Options`.
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <title>xenscope export</title></head>\n<body><h1>xenscope export {version}</h1>\n\
             <p><a href=\"{path}\">Metrics</a> of this Xen host, for Prometheus.</p></body></html>\n",
            version = env!("CARGO_PKG_VERSION"),
            path = self.telemetry_path,
        )
    }
}

fn metrics(wanted: Wanted, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = response(StatusCode::OK, wanted.format.media_type(), body);
    let vary = HeaderValue::from_static("Accept, Accept-Encoding");
    response.headers_mut().insert(VARY, vary);
    if wanted.gzip {
        let gzip = HeaderValue::from_static("gzip");
        response.headers_mut().insert(CONTENT_ENCODING, gzip);
    }
    response
}

fn unauthorised() -> Response<Full<Bytes>> {
    let mut refused = response(StatusCode::UNAUTHORIZED, TEXT, "Unauthorized\n");
    let challenge = HeaderValue::from_static("Basic realm=\"xenscope\"");
    refused.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    refused
}

fn response(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static(media_type);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}
