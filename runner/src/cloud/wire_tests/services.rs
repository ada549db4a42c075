//! Plain services: whose credential is asked for again, and how often.

use secrecy::SecretString;

use super::*;

pub(super) fn plain_service(url: Url, auth: ServiceAuth) -> PlainService {
    PlainService {
        url,
        auth,
        tls: Tls::default(),
        proxies: Proxies::default(),
    }
}

pub(super) fn bearer(source: SecretSource) -> ServiceAuth {
    ServiceAuth::Token(TokenSource::Secret(source), TokenHeader::default())
}

fn shown(call: &Call) -> String {
    let value = call.headers.get("authorization");
    value.map_or_else(String::new, |it| it.to_str().unwrap().to_owned())
}

async fn session(fake: &Fake, auth: ServiceAuth) -> Result<Session, Error> {
    let service = plain_service(fake.url.parse().unwrap(), auth);
    let services = BTreeMap::from([("git".to_owned(), service)]);
    Session::connect(CloudConfig::without_keystone("plain", services), quick()).await
}

/// A program that prints another token each time, and writes down that it ran.
struct Counting {
    folder: tempfile::TempDir,
}

impl Counting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn source(&self) -> SecretSource {
        let runs = self.folder.path().join("runs");
        let script = format!(
            "echo run >> '{0}'; wc -l < '{0}' | tr -d ' '",
            runs.display()
        );
        SecretSource::Command(SecretCommand {
            argv: ["sh", "-c", &script].map(str::to_owned).to_vec(),
            time_max: Duration::from_secs(10),
        })
    }

    fn runs(&self) -> usize {
        let text = std::fs::read_to_string(self.folder.path().join("runs"));
        text.map_or(0, |text| text.lines().count())
    }
}

#[tokio::test]
async fn many_refused_requests_run_the_command_once_more() {
    let (barrier, counting) = (Arc::new(Barrier::new(20)), Counting::new());
    let fake = Fake::start(move |_, call| {
        let barrier = Arc::clone(&barrier);
        async move {
            if shown(&call) == "Bearer 1" {
                barrier.wait().await;
                return status(401);
            }
            status(200)
        }
    })
    .await;
    let session = session(&fake, bearer(counting.source())).await.unwrap();
    assert_eq!(counting.runs(), 1, "it is asked when the session is opened");
    let answers = join_all((0..20).map(|_| session.send(get("git", "/x")))).await;
    assert!(answers.into_iter().all(|it| it.unwrap().status == 200));
    assert_eq!(counting.runs(), 2);
    assert_eq!(session.requests_sent(), 40);
}

#[tokio::test]
async fn a_fresh_credential_that_is_refused_is_not_asked_for_again() {
    let counting = Counting::new();
    let fake = Fake::start(|_, _| async { status(401) }).await;
    let session = session(&fake, bearer(counting.source())).await.unwrap();
    for _ in 0..5 {
        assert_eq!(session.send(get("git", "/x")).await.unwrap().status, 401);
    }
    assert_eq!((counting.runs(), session.requests_sent()), (2, 6));
}

#[tokio::test]
async fn a_file_is_read_again_and_the_same_secret_is_not_shown_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "old\n").unwrap();
    let fake = Fake::start(|_, call| async move {
        status(if shown(&call) == "Bearer new" {
            200
        } else {
            401
        })
    })
    .await;
    let auth = bearer(SecretSource::File(file.clone()));
    let ours = session(&fake, auth.clone()).await.unwrap();
    assert_eq!(ours.send(get("git", "/x")).await.unwrap().status, 401);
    assert_eq!(ours.requests_sent(), 1, "it is the same as before");
    let ours = session(&fake, auth).await.unwrap();
    std::fs::write(&file, "new\n").unwrap();
    assert_eq!(ours.send(get("git", "/x")).await.unwrap().status, 200);
    let error = session(
        &fake,
        bearer(SecretSource::File(folder.path().join("none"))),
    )
    .await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error
            .to_string()
            .contains("service `git`: the token of [services.git]"),
        "{error}"
    );
}

fn client(fake: &Fake) -> ServiceAuth {
    let client = ClientCredentials {
        token_url: format!("{}/token", fake.url).parse().unwrap(),
        client_id: "c".to_owned(),
        secret: SecretSource::Given(SecretString::from("s3cret")),
        scope: None,
        is_in_body: false,
    };
    ServiceAuth::Token(
        TokenSource::ClientCredentials(client),
        TokenHeader::default(),
    )
}

#[tokio::test]
async fn client_credentials_get_a_token_and_another_one_when_it_is_refused_or_ends() {
    let fake = Fake::start(|fake, call| async move {
        let asked = fake.count(|call| call.path == "/token");
        if call.path == "/token" {
            // The second lives for no time at all.
            let life = if asked == 2 { 0 } else { 3600 };
            let body = json!({"access_token": asked.to_string(), "token_type": "Bearer", "expires_in": life});
            return (StatusCode::OK, body.to_string()).into_response();
        }
        status(if shown(&call) == "Bearer 1" { 401 } else { 200 })
    })
    .await;
    let session = session(&fake, client(&fake)).await.unwrap();
    assert_eq!(session.send(get("git", "/x")).await.unwrap().status, 200);
    assert_eq!(session.send(get("git", "/x")).await.unwrap().status, 200);
    let calls = fake.calls.lock().unwrap().clone();
    let shown: Vec<String> = calls
        .iter()
        .filter(|call| call.path == "/x")
        .map(shown)
        .collect();
    assert_eq!(shown, ["Bearer 1", "Bearer 2", "Bearer 3"]);
    assert_eq!(session.requests_sent(), 6);
}

#[tokio::test]
async fn a_client_that_is_not_known_ends_it_before_the_first_request() {
    let fake = Fake::start(|_, _| async {
        let body = json!({"error": "invalid_client"});
        (StatusCode::UNAUTHORIZED, body.to_string()).into_response()
    })
    .await;
    let error = session(&fake, client(&fake)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAuthenticated);
    let said = format!("{error} {error:?}");
    assert!(
        said.contains("invalid_client") && !said.contains("s3cret"),
        "{said}"
    );
    assert_eq!(fake.count(|_| true), 1);
}
