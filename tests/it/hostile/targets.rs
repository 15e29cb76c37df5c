//! What is asked for, and of whom.

use super::{Bare, Case, Closed, Good, Open, Problem, asking, case, right};

pub(super) fn targets() -> Vec<Case> {
    let target = |target: &str| asking(&format!("GET {target} HTTP/1.1"));
    vec![
        case("RFC 9112, 3.2.1", "origin-form", target("/api/messages"), &[Good(200)], Open),
        case("RFC 9112, 3.2.2", "absolute-form", target("http://HOST/api/messages"), &[Good(200)], Open),
        case(
            "RFC 9110, 15.5.20",
            "absolute-form of another",
            target("http://example.com/"),
            &[Problem(421)],
            Open,
        ),
        case(
            "RFC 9112, 3.2.2",
            "absolute-form of another scheme",
            target("ftp://HOST/"),
            &[Problem(400)],
            Open,
        ),
        case(
            "RFC 9110, 4.2.4",
            "a user in the target",
            target("http://me:word@HOST/"),
            &[Problem(421)],
            Open,
        ),
        case("RFC 9112, 3.2.3", "authority-form", target("HOST"), &[Problem(400)], Open),
        case("RFC 9112, 3.2.4", "asterisk-form", asking("OPTIONS * HTTP/1.1"), &[Good(204)], Open),
        case("RFC 9112, 3.2.4", "an asterisk for GET", target("*"), &[Problem(400)], Open),
        case("RFC 9112, 3.2", "no form at all", target("api/messages"), &[Bare(400)], Closed),
        case(
            "RFC 9110, 15.5.15",
            "a target of more than 8 KiB",
            target(&format!("/{}", "a".repeat(9000))),
            &[Problem(414)],
            Open,
        ),
        // Longer than a head may be: then hyper has not found its end yet, and says so of the head.
        case(
            "RFC 6585, 5",
            "a target of more than 16 KiB",
            target(&format!("/{}", "a".repeat(17_000))),
            &[Bare(431)],
            Closed,
        ),
        case(
            "RFC 3986, 2.1",
            "no hex behind a percent sign",
            target("/api/messages/%zz"),
            &[Problem(404)],
            Open,
        ),
        case("RFC 3986, 2.1", "half a percent-encoding", target("/api/messages/%4"), &[Problem(404)], Open),
        case("RFC 3986, 2.1", "NUL, encoded", target("/api/messages/%00"), &[Problem(404)], Open),
        case("RFC 3986, 2.1", "CR LF, encoded", target("/%0d%0aA:%20b"), &[Problem(404)], Open),
        case("RFC 3986, 5.2.4", "out of the root", target("/../../etc/passwd"), &[Problem(404)], Open),
        case(
            "RFC 3986, 5.2.4",
            "out of the root, encoded",
            target("/%2e%2e/%2e%2e/etc/passwd"),
            &[Problem(404)],
            Open,
        ),
        case(
            "RFC 3986, 5.2.4",
            "out of the list",
            target("/api/messages/../../etc/passwd"),
            &[Problem(404)],
            Open,
        ),
        case("RFC 3986, 3.3", "backslashes", target("/..\\..\\etc\\passwd"), &[Problem(404)], Open),
        case("RFC 3986, 3.3", "two slashes", target("//api/messages"), &[Problem(404)], Open),
        case("RFC 3986, 3.3", "a slash too many", target("/api/messages/"), &[Problem(404)], Open),
        case("RFC 9110, 4.2.3", "paths are case-sensitive", target("/API/messages"), &[Problem(404)], Open),
        case("RFC 9112, 3.2", "NUL in the target", target("/\0"), &[Bare(400)], Closed),
        case(
            "RFC 9112, 3.2",
            "bytes that are no UTF-8",
            b"GET /\xff\xfe HTTP/1.1\r\nHost: HOST\r\n\r\n".to_vec(),
            &[Bare(400)],
            Closed,
        ),
        // Not allowed in a target, but what is before it is clear, and hyper takes the rest away.
        case("RFC 9112, 3.2", "a fragment", target("/api/messages#top"), &[Good(200)], Open),
        case(
            "RFC 3986, 3.4",
            "a number that is none",
            target("/api/messages?since=%zz"),
            &[Problem(400)],
            Open,
        ),
        case(
            "RFC 3986, 3.4",
            "a number beyond 64 bits",
            target("/api/messages?since=99999999999999999999"),
            &[Problem(400)],
            Open,
        ),
        case("RFC 3986, 3.4", "a negative number", target("/api/messages/-1"), &[Problem(404)], Open),
    ]
}

pub(super) fn hosts() -> Vec<Case> {
    let host = |lines: &str| format!("GET /api/messages HTTP/1.1\r\n{lines}\r\n");
    let is = |value: &str| host(&format!("Host: {value}\r\n"));
    vec![
        case("RFC 9112, 3.2", "no Host", host(""), &[Problem(400)], Open),
        case("RFC 9112, 3.2", "two Hosts", host("Host: HOST\r\nHost: HOST\r\n"), &[Problem(400)], Open),
        case(
            "RFC 9112, 3.2",
            "two Hosts that differ",
            host("Host: HOST\r\nHost: example.com\r\n"),
            &[Problem(400)],
            Open,
        ),
        case("RFC 9112, 3.2", "an empty Host", is(""), &[Problem(400)], Open),
        case("RFC 9110, 7.2", "a list of Hosts", is("HOST, HOST"), &[Problem(400)], Open),
        case("RFC 9110, 7.2", "a Host with a space in it", is("local host"), &[Problem(400)], Open),
        case("RFC 9110, 7.2", "a Host with a path", is("HOST/api"), &[Problem(400)], Open),
        case("RFC 9110, 7.2", "a Host with a scheme", is("http://HOST"), &[Problem(400)], Open),
        case("RFC 9110, 7.2", "a Host with a user", is("me@HOST"), &[Problem(400)], Open),
        case(
            "RFC 9110, 7.2",
            "a Host that is no UTF-8",
            b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n".to_vec(),
            &[Problem(400)],
            Open,
        ),
        case("RFC 9110, 7.2", "a port beyond 65535", is("localhost:99999"), &[Problem(421)], Open),
        case("RFC 9110, 15.5.20", "the Host of another", is("example.com"), &[Problem(421)], Open),
        case("RFC 9110, 15.5.20", "our name behind another's", is("HOST.example.com"), &[Problem(421)], Open),
        case("RFC 9110, 15.5.20", "another port", is("127.0.0.1:1"), &[Problem(421)], Open),
        case(
            "RFC 9110, 15.5.20",
            "another name for the same address",
            is("0x7f000001"),
            &[Problem(421)],
            Open,
        ),
        case(
            "RFC 9110, 7.2",
            "our name, a second Host in the target",
            "GET http://example.com/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
            &[Problem(421)],
            Open,
        ),
        case(
            "RFC 9112, 3.2",
            "HTTP/1.0 without a Host",
            "GET /api/messages HTTP/1.0\r\n\r\n",
            &[Good(200)],
            Closed,
        ),
        case(
            "RFC 9112, 3.2",
            "HTTP/1.0 with two",
            "GET /api/messages HTTP/1.0\r\nHost: HOST\r\nHost: HOST\r\n\r\n",
            &[Problem(400)],
            Closed,
        ),
    ]
}

#[test]
fn each_form_of_a_target_has_its_answer() {
    right(targets());
}

#[test]
fn a_host_is_one_and_ours() {
    right(hosts());
}
