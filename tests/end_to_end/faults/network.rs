//! What is between the machine and AWS: proxies that refuse, break off or say nothing, and a name server that never answers.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Command, Output},
};

use serde_json::json;

use super::{
    scene::{Expected, Fault, Scene, nothing},
    subject::Subject as S,
};

/// A proxy on a port of its own that gives every CONNECT these bytes, and then closes; or is silent without bytes. It ends with
/// the process of the test.
fn proxy(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for connection in listener.incoming().map_while(Result::ok) {
            match answer {
                Some(answer) => refuse(connection, answer),
                None => silent.push(connection),
            }
        }
    });
    format!("http://{address}")
}

fn refuse(mut connection: TcpStream, answer: &str) {
    let mut head = Vec::new();
    let mut byte = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read(&mut byte) {
            Ok(read @ 1..) => head.extend(&byte[..read]),
            _ => return,
        }
    }
    // A client that has left is of no interest here. What is still unread when a socket closes resets the connection, which the
    // client may see before its end: so all that it sends is read.
    let _ = connection.write_all(answer.as_bytes());
    let _ = connection.shutdown(Shutdown::Write);
    let _ = std::io::copy(&mut connection, &mut std::io::sink());
}

#[test]
fn network_that_does_not_let_through_is_told_and_nothing_is_begun() {
    let scene = Scene::start_aws();
    let bed = &scene.bed;
    let mut rows = Vec::new();
    let mut through = |name: &str, run: &(dyn Fn(Command) -> Output + Sync), expected: &[Expected<'_>]| {
        let fault = Fault {
            name,
            raise: &nothing,
            lift: &nothing,
            run,
        };
        rows.extend(scene.together(&fault, expected));
    };
    let by = |proxy: String| {
        move |mut command: Command| {
            command.env("HTTPS_PROXY", &proxy).env("https_proxy", &proxy);
            command.output().unwrap()
        }
    };
    let each = |says: &'static str| {
        [
            (S::Whoami, 1, 10, says),
            (S::Plan, 1, 10, says),
            (S::ApplyRole, 1, 10, says),
            (S::UpdateKubeconfig, 1, 10, says),
        ]
    };
    through(
        "the proxy answers 407",
        &by(proxy(Some(
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"office\"\r\nContent-Length: 0\r\n\r\n",
        ))),
        &each("error: "),
    );
    through(
        "the proxy answers 503 with a page",
        &by(proxy(Some(
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<html></html>\n",
        ))),
        &each("error: ")[..2],
    );
    through(
        "the proxy breaks off in its answer",
        &by(proxy(Some("HTTP/1.1 200 Conn"))),
        &each("error: "),
    );
    through(
        "the proxy opens the tunnel and closes it",
        &by(proxy(Some("HTTP/1.1 200 Connection established\r\n\r\n"))),
        &each("error: ")[..2],
    );
    through("the proxy is silent", &by(proxy(None)), &each("error: "));
    through(
        "nothing listens where HTTPS_PROXY points",
        &by("http://127.0.0.1:9".to_owned()),
        &[
            (S::Whoami, 1, 10, "error: "),
            (S::Plan, 1, 10, "error: "),
            (S::Token, 0, 10, "k8s-aws-v1."),
        ],
    );
    through(
        "the name server never answers",
        &|command: Command| {
            let mut without = bed.by("no_names.py", &[], &command);
            without.env_remove("HTTPS_PROXY").env_remove("https_proxy");
            without.output().unwrap()
        },
        &[
            (S::Whoami, 1, 15, "error: "),
            (S::Plan, 1, 15, "error: "),
            (S::ApplyRole, 1, 15, "error: "),
            (S::Token, 0, 15, "k8s-aws-v1."),
        ],
    );
    // STS alone answers: what the other calls say.
    bed.control("PUT", "blocked", &json!({"eks.*": "hang"}));
    through(
        "EKS's address swallows packets",
        &super::scene::plainly,
        &[
            (S::Plan, 1, 15, "error: "),
            (S::UpdateKubeconfig, 1, 15, "error: "),
        ],
    );
    scene.check("network", &rows);
}
