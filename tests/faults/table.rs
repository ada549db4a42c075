//! The table: which fault in which phase ends how, or why the two do not go together.
//!
//! The codes are README's. 0 is only for runs of which nothing is left and that have seen so themselves; 4 where something was not
//! looked at; 3 where something is left; 1 where no token could be made of an answer, or the log could not be written; 2 where what was
//! configured cannot be meant; 5 where Keystone refuses.

use std::time::Duration;

use serde_json::json;

use super::world::World;
use crate::support::fake_cloud::fault::Effect;

/// Where in a run a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A token is asked for, and with it the catalog.
    Authentication,
    /// Everything is listed.
    Survey,
    /// The plan is made and, where no task was named, confirmed.
    Confirmation,
    /// Deletions are sent.
    Purge,
    /// What the cloud deletes in its own time is waited for.
    Wait,
    /// Everything is listed again.
    Verification,
}

impl Phase {
    pub(super) const ALL: [Self; 6] = [
        Self::Authentication,
        Self::Survey,
        Self::Confirmation,
        Self::Purge,
        Self::Wait,
        Self::Verification,
    ];

    /// The requests by which the cloud knows that the phase has come; the last one is what a fault strikes. An image goes at once and
    /// is looked at again only in the end; a volume takes its time, so that the first look after its deletion waits for it.
    pub(super) fn requests(self) -> &'static [(&'static str, &'static str)] {
        const LIST_IMAGES: (&str, &str) = ("GET", "/image/v2/images");
        const DELETE_IMAGE: (&str, &str) = ("DELETE", "/image/v2/images/*");
        match self {
            Self::Authentication => &[("POST", "*/auth/tokens")],
            Self::Survey => &[LIST_IMAGES],
            Self::Confirmation => &[],
            Self::Purge => &[DELETE_IMAGE],
            Self::Wait => &[("DELETE", "*/volumes/*"), ("GET", "*/volumes/detail")],
            Self::Verification => &[DELETE_IMAGE, LIST_IMAGES],
        }
    }
}

/// What a fault does.
pub(super) enum Does {
    /// The cloud answers otherwise.
    Answers {
        make: Make,
        reach: Reach,
        times: u32,
    },
    /// The cloud does not speak TLS where it was expected to.
    SpeaksPlainly,
    /// The process gets this signal.
    Signals(&'static str),
    /// Who reads standard output goes.
    ClosesStdout,
    /// Who reads standard error goes, and then the process is to end: SIGTERM.
    ClosesStderr,
    /// Nobody has read standard error from the beginning, and there is something to tell: the cloud answers so from now on.
    Unread(Make),
    /// The terminal goes on which the run was started.
    ClosesTerminal,
    /// No file can grow any more.
    FillsDisk,
}

/// What the cloud answers in a world and a phase.
pub(super) type Make = fn(&World, Phase) -> Effect;

/// Which requests a fault of the cloud's hits, from the phase on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The phase's.
    Request,
    Everything,
}

/// What comes of a fault in a phase.
#[derive(Clone, Copy)]
pub(super) enum Cell {
    /// The run ends with one of these codes. It is more than one only where time decides.
    Ends(&'static [i32]),
    /// It ends by the signal, and says nothing.
    Dies,
    /// The two do not go together.
    No(&'static str),
}

/// A fault, and what comes of it in each of the phases, in their order.
pub(super) struct Row {
    pub(super) fault: &'static str,
    pub(super) does: Does,
    /// Whether it is by the limit of time that it comes to an end.
    pub(super) hangs: bool,
    /// Whether what it hits says what it would say otherwise.
    pub(super) is_harmless: bool,
    /// Whether it keeps the cloud from hearing what was sent.
    pub(super) is_unheard: bool,
    at: [Cell; 6],
}

impl Row {
    const fn new(fault: &'static str, at: [Cell; 6], does: Does) -> Self {
        Self {
            fault,
            hangs: false,
            is_harmless: !matches!(does, Does::Answers { .. }),
            is_unheard: false,
            does,
            at,
        }
    }

    const fn answers(fault: &'static str, at: [Cell; 6], make: Make, times: u32) -> Self {
        let reach = Reach::Request;
        Self::new(fault, at, Does::Answers { make, reach, times })
    }

    /// The cloud answers the phase's first request so.
    const fn once(fault: &'static str, at: [Cell; 6], make: Make) -> Self {
        Self::answers(fault, at, make, 1)
    }

    /// The cloud answers all such requests so, from the phase on.
    const fn always(fault: &'static str, at: [Cell; 6], make: Make) -> Self {
        Self::answers(fault, at, make, u32::MAX)
    }

    /// The cloud answers everything so, from the phase on.
    const fn from_then_on(fault: &'static str, at: [Cell; 6], make: Make) -> Self {
        let (reach, times) = (Reach::Everything, u32::MAX);
        Self::new(fault, at, Does::Answers { make, reach, times })
    }

    const fn hanging(self) -> Self {
        Self {
            hangs: true,
            ..self
        }
    }

    const fn harmless(self) -> Self {
        Self {
            is_harmless: true,
            ..self
        }
    }

    const fn unheard(self) -> Self {
        Self {
            is_unheard: true,
            ..self
        }
    }

    pub(super) fn at(&self, phase: Phase) -> Cell {
        let position = Phase::ALL.iter().position(|it| *it == phase);
        self.at[position.expect("all phases are there")]
    }
}

const IS_0: Cell = Cell::Ends(&[0]);
const IS_1: Cell = Cell::Ends(&[1]);
const IS_2: Cell = Cell::Ends(&[2]);
const IS_3: Cell = Cell::Ends(&[3]);
const IS_4: Cell = Cell::Ends(&[4]);
const IS_5: Cell = Cell::Ends(&[5]);
/// Who was to be asked has gone: whether that or the signal is heard first is up to the system.
const UNASKED: Cell = Cell::Ends(&[6, 130]);
const IS_130: Cell = Cell::Ends(&[130]);
const DIES: Cell = Cell::Dies;
const SILENT: Cell =
    Cell::No("while the plan is made and confirmed, nothing is asked of the cloud");
const SETTLED: Cell = Cell::No("how a service is spoken to is settled when the token is there");
const NO_PAGE: Cell =
    Cell::No("the answer is no list that could go on, or break off in the middle");
const NO_DEED: Cell =
    Cell::No("whoever reads has done nothing; the lost answer alone has rows of its own");
const UNSAID: Cell = Cell::No(
    "nothing is written there before the end: the phase before and the one after say the same",
);
const ASKED: Cell =
    Cell::No("standard error is where the question is; the row of the terminal takes it away");

/// 30 and more faults, in each of the phases.
#[rustfmt::skip] // A table is read by its columns.
pub(super) static ROWS: &[Row] = &[
    //                                                               token    survey   confirm  purge    wait     verify
    // The connection, and how much comes of an answer.
    Row::once(        "body cut off",                                [IS_0,    IS_0,    SILENT,  IS_0,    IS_0,    IS_0   ], |_, _| Effect::Sever),
    Row::always(      "every body cut off",                          [IS_4,    IS_4,    SILENT,  IS_3,    IS_4,    IS_4   ], |_, _| Effect::Sever),
    // A list is asked for again with less in it.
    Row::once(        "endless body",                                [IS_1,    IS_0,    SILENT,  IS_3,    IS_0,    IS_0   ], |_, _| Effect::Endless),
    Row::always(      "every body endless",                          [IS_1,    IS_4,    SILENT,  IS_3,    IS_4,    IS_4   ], |_, _| Effect::Endless),
    Row::once(        "Content-Length says too much",                [IS_4,    IS_4,    SILENT,  IS_0,    IS_0,    IS_4   ], |_, _| Effect::SaysMore).hanging(),
    Row::once(        "Content-Length says too little",              [IS_1,    IS_4,    SILENT,  IS_0,    IS_0,    IS_4   ], |_, _| Effect::SaysLess),
    Row::once(        "reset before the head",                       [IS_0,    IS_0,    SILENT,  IS_0,    IS_0,    IS_0   ], |_, _| Effect::Reset),
    Row::once(        "reset after the head",                        [IS_0,    IS_0,    SILENT,  IS_0,    IS_0,    IS_0   ], |_, _| Effect::ResetAfterHead),
    Row::once(        "head that dribbles without end",              [IS_4,    IS_4,    SILENT,  IS_0,    IS_0,    IS_4   ], |_, _| Effect::SlowHead(DRIBBLE)).hanging(),
    Row::once(        "body that dribbles without end",              [IS_4,    IS_4,    SILENT,  IS_0,    IS_0,    IS_4   ], |_, _| Effect::Slow(DRIBBLE * 10)).hanging(),
    Row::once(        "slow head",                                   [IS_0,    IS_0,    SILENT,  IS_0,    IS_0,    IS_0   ], |_, _| Effect::SlowHead(Duration::from_millis(1))).harmless(),
    Row::once(        "slow body",                                   [IS_0,    IS_0,    SILENT,  IS_0,    IS_0,    IS_0   ], |_, _| Effect::Slow(Duration::from_millis(20))).harmless(),
    Row::new(         "plain text where TLS is expected",            [IS_4,    IS_4,    SILENT,  SETTLED, SETTLED, SETTLED], Does::SpeaksPlainly),
    Row::from_then_on("endpoint gone",                               [IS_4,    IS_4,    IS_4,    IS_4,    IS_4,    IS_4   ], |_, _| Effect::Vanish).unheard(),
    // What comes is not what was asked for.
    Row::once(        "error page with 200",                         [IS_1,    IS_4,    SILENT,  IS_3,    IS_0,    IS_4   ], |_, _| page(200)),
    Row::once(        "error page with 502",                         [IS_0,    IS_0,    SILENT,  IS_0,    IS_0,    IS_0   ], |_, _| page(502)),
    Row::always(      "502 always",                                  [IS_1,    IS_4,    SILENT,  IS_3,    IS_4,    IS_4   ], |_, _| page(502)),
    Row::once(        "half a page",                                 [IS_1,    IS_4,    SILENT,  NO_PAGE, IS_0,    IS_4   ], |_, _| Effect::Truncate),
    Row::once(        "empty body with 200",                         [IS_1,    IS_4,    SILENT,  IS_3,    IS_0,    IS_4   ], |_, _| answer(200, "")),
    Row::once(        "JSON of another shape",                       [IS_1,    IS_4,    SILENT,  IS_3,    IS_0,    IS_4   ], |_, _| answer(200, r#"{"weather": []}"#)),
    Row::once(        "wrong content type",                          [IS_0,    IS_4,    SILENT,  IS_0,    IS_0,    IS_4   ], |_, _| Effect::Mislabel("text/html")),
    Row::once(        "garbage said to be gzip",                     [IS_0,    IS_0,    SILENT,  IS_0,    IS_0,    IS_0   ], |_, _| Effect::Gzip),
    Row::always(      "redirect to elsewhere",                       [IS_2,    IS_4,    SILENT,  IS_3,    IS_4,    IS_4   ], |world, _| Effect::Redirect(world.elsewhere())),
    Row::always(      "next link that loops",                        [NO_PAGE, IS_4,    SILENT,  NO_PAGE, IS_4,    IS_4   ], |world, phase| next_from(world.cloud.url(), world, phase)),
    Row::always(      "next link to another host",                   [NO_PAGE, IS_4,    SILENT,  NO_PAGE, IS_4,    IS_4   ], |world, phase| next_from(&world.elsewhere(), world, phase)),
    Row::from_then_on("clock two days ahead",                        [IS_0,    IS_0,    IS_0,    IS_0,    IS_0,    IS_0   ], |_, _| Effect::Skew(2 * DAY_S)).harmless(),
    Row::from_then_on("clock two days behind",                       [IS_0,    IS_0,    IS_0,    IS_0,    IS_0,    IS_0   ], |_, _| Effect::Skew(-2 * DAY_S)).harmless(),
    // Refusals.
    Row::once(        "401 once",                                    [IS_5,    IS_0,    IS_0,    IS_0,    IS_0,    IS_0   ], |_, _| answer(401, UNAUTHORIZED)),
    Row::from_then_on("token revoked for good",                      [IS_5,    IS_4,    IS_4,    IS_4,    IS_4,    IS_4   ], |_, _| answer(401, UNAUTHORIZED)),
    Row::once(        "403 once",                                    [IS_5,    IS_4,    IS_0,    IS_0,    IS_0,    IS_4   ], |_, _| answer(403, FORBIDDEN)),
    Row::from_then_on("rights lost",                                 [IS_5,    IS_4,    IS_4,    IS_4,    IS_4,    IS_4   ], |_, _| answer(403, FORBIDDEN)),
    Row::always(      "404 for what is there",                       [IS_2,    IS_4,    SILENT,  IS_3,    IS_4,    IS_4   ], |_, _| answer(404, "{}")),
    Row::always(      "409 always",                                  [IS_1,    IS_4,    SILENT,  IS_3,    IS_4,    IS_4   ], |_, _| answer(409, "{}")),
    Row::once(        "413 with a pause",                            [IS_0,    IS_0,    SILENT,  IS_0,    IS_0,    IS_0   ], |_, _| throttle(413, 1)),
    Row::once(        "429 with a pause",                            [IS_0,    IS_0,    SILENT,  IS_0,    IS_0,    IS_0   ], |_, _| throttle(429, 1)),
    Row::once(        "429 until a date by a clock a day behind",    [IS_0,    IS_0,    SILENT,  IS_0,    IS_0,    IS_0   ], |_, _| Effect::ThrottleByDate(-DAY_S)),
    Row::always(      "429 always",                                  [IS_4,    IS_4,    SILENT,  IS_3,    IS_4,    IS_4   ], |_, _| throttle(429, 0)),
    Row::once(        "500 once",                                    [IS_1,    IS_4,    SILENT,  IS_0,    IS_0,    IS_4   ], |_, _| answer(500, "oops")),
    Row::always(      "500 always",                                  [IS_1,    IS_4,    SILENT,  IS_3,    IS_4,    IS_4   ], |_, _| answer(500, "oops")),
    Row::once(        "503 once",                                    [IS_0,    IS_0,    SILENT,  IS_0,    IS_0,    IS_0   ], |_, _| answer(503, "{}")),
    Row::always(      "503 always",                                  [IS_4,    IS_4,    SILENT,  IS_3,    IS_4,    IS_4   ], |_, _| answer(503, "{}")),
    // Deeds. What is not known to have gone holds the project; that it has gone is seen in the end.
    Row::once(        "answer lost after the deed",                  [IS_0,    NO_DEED, SILENT,  IS_0,    NO_DEED, NO_DEED], |_, _| Effect::DropAfter),
    Row::always(      "every answer lost after the deed",            [IS_4,    NO_DEED, SILENT,  IS_3,    NO_DEED, NO_DEED], |_, _| Effect::DropAfter),
    Row::once(        "deed doubled",                                [IS_0,    NO_DEED, SILENT,  IS_0,    NO_DEED, NO_DEED], |_, _| Effect::Twice),
    // The process, and what is around it.
    Row::new(         "disk full",                                   [IS_2,    IS_1,    IS_1,    IS_1,    IS_1,    IS_1   ], Does::FillsDisk),
    Row::new(         "SIGINT",                                      [IS_130,  IS_130,  IS_130,  IS_130,  IS_130,  IS_130 ], Does::Signals("INT")),
    Row::new(         "SIGTERM",                                     [IS_130,  IS_130,  IS_130,  IS_130,  IS_130,  IS_130 ], Does::Signals("TERM")),
    Row::new(         "SIGHUP",                                      [IS_130,  IS_130,  IS_130,  IS_130,  IS_130,  IS_130 ], Does::Signals("HUP")),
    Row::new(         "SIGKILL",                                     [DIES,    DIES,    DIES,    DIES,    DIES,    DIES   ], Does::Signals("KILL")),
    Row::new(         "SIGPIPE",                                     [IS_0,    IS_0,    IS_0,    IS_0,    IS_0,    IS_0   ], Does::Signals("PIPE")),
    Row::new(         "standard output closed",                      [IS_0,    IS_0,    UNSAID,  IS_0,    IS_0,    IS_0   ], Does::ClosesStdout),
    Row::new(         "standard error closed, then SIGTERM",         [IS_130,  IS_130,  ASKED,   IS_130,  IS_130,  IS_130 ], Does::ClosesStderr),
    Row::new(         "standard error unread, and 500 always",       [IS_1,    IS_4,    ASKED,   IS_3,    IS_4,    IS_4   ], Does::Unread(|_, _| answer(500, "oops"))),
    Row::new(         "terminal gone",                               [IS_130,  IS_130,  UNASKED,  IS_130,  IS_130,  IS_130 ], Does::ClosesTerminal),
];

const DAY_S: i64 = 86_400;

/// A pause between bytes with which nothing comes to its end in time.
const DRIBBLE: Duration = Duration::from_millis(200);

const UNAUTHORIZED: &str =
    r#"{"error": {"code": 401, "message": "The request you have made requires authentication."}}"#;

const FORBIDDEN: &str = r#"{"error": {"code": 403, "message": "You are not authorized to perform the requested action."}}"#;

fn answer(status: u16, body: &str) -> Effect {
    Effect::Answer {
        status,
        content_type: "application/json",
        body: body.to_owned(),
    }
}

/// What stands before a service says that there is none.
fn page(status: u16) -> Effect {
    Effect::Answer {
        status,
        content_type: "text/html",
        body: "<html><body><h1>We'll be back soon!</h1></body></html>".to_owned(),
    }
}

fn throttle(status: u16, retry_after_s: u32) -> Effect {
    Effect::Throttle {
        status,
        retry_after_s,
    }
}

/// A page with nothing on it, and a next one at this host that is the same.
fn next_from(host: &str, world: &World, phase: Phase) -> Effect {
    if phase == Phase::Wait {
        let project = world.cloud.project("admin");
        let next = format!("{host}/volume/v3/{project}/volumes/detail?marker=again");
        let links = json!([{"rel": "next", "href": next}]);
        return answer(
            200,
            &json!({"volumes": [], "volumes_links": links}).to_string(),
        );
    }
    let next = format!("{host}/image/v2/images?marker=again");
    answer(200, &json!({"images": [], "next": next}).to_string())
}
