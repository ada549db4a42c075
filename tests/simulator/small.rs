//! Small worlds, all of them: two projects, two tasks, up to four things that hang together, one word of the operator's, one thing
//! that goes wrong. A number names a world, digit by digit.

use crate::kinds::{
    APP_CREDENTIAL, ASSIGNMENT, BALANCER, FLOATING_IP, K, KINDS, LISTENER, NETWORK, PORT, PROJECT,
    RECORD_SET, ROLE, ROUTER, SECRET, SERVER, SNAPSHOT, SUBNET, USER, VOLUME, ZONE,
};
use crate::world::{Bad, Family, Fault, Flags, Item, N, Name, Task, Tie, Trouble, World};

/// Things that hang together: their kinds, and which hangs on which.
struct Shape {
    kinds: &'static [K],
    ties: &'static [(usize, usize)],
}

const SHAPES: &[Shape] = &[
    Shape {
        kinds: &[SERVER, VOLUME],
        ties: &[(1, 0)],
    },
    Shape {
        kinds: &[ZONE, RECORD_SET],
        ties: &[(1, 0)],
    },
    Shape {
        kinds: &[PORT, FLOATING_IP],
        ties: &[(1, 0)],
    },
    Shape {
        kinds: &[USER, APP_CREDENTIAL],
        ties: &[(1, 0)],
    },
    Shape {
        kinds: &[VOLUME, SECRET],
        ties: &[(1, 0)],
    },
    Shape {
        kinds: &[USER, APP_CREDENTIAL, ROLE, ASSIGNMENT],
        ties: &[(1, 0), (1, 2), (3, 0), (3, 2)],
    },
    Shape {
        kinds: &[SERVER, VOLUME, SNAPSHOT],
        ties: &[(1, 0), (2, 1)],
    },
    Shape {
        kinds: &[SERVER, PORT, NETWORK],
        ties: &[(1, 0), (1, 2)],
    },
    Shape {
        kinds: &[NETWORK, SUBNET, PORT],
        ties: &[(1, 0), (2, 0), (2, 1)],
    },
    Shape {
        kinds: &[BALANCER, LISTENER, PORT],
        ties: &[(1, 0), (2, 0)],
    },
    Shape {
        kinds: &[ROUTER, PORT, NETWORK],
        ties: &[(1, 0), (1, 2)],
    },
];

const NAMES: &[Name] = &[
    Name::Of(Task::A, Family::Scenario),
    Name::Of(Task::B, Family::Scenario),
    Name::None,
];

const FIRST: N = 50;
const P1: N = 10;
const P2: N = 11;

const FLAGS: u64 = 7;

/// Faults that do not depend on the shape.
const FAULTS: &[Option<Fault>] = &[
    None,
    Some(Fault::Cancelled(3)),
    Some(Fault::Crashed(23)),
    Some(Fault::Crashed(25)),
    Some(Fault::Listing {
        kind: PROJECT,
        from: 1,
        times: 1,
        bad: Bad::Unavailable,
    }),
];

/// Faults that one of the things has.
const FAULTS_OF_THINGS: u64 = 3;

impl Shape {
    fn things(&self) -> u64 {
        self.kinds.len() as u64
    }

    /// How many values each digit has.
    fn digits(&self) -> Vec<u64> {
        let things = self.things();
        let faults = FAULTS.len() as u64 + FAULTS_OF_THINGS * things;
        let mut digits = vec![2, FLAGS, faults, things + 1];
        // Three are as many names as four things can have.
        digits.extend(self.kinds.iter().map(|kind| {
            if KINDS[*kind].is_witness {
                1
            } else {
                NAMES.len() as u64
            }
        }));
        digits.extend(
            self.kinds
                .iter()
                .map(|kind| if KINDS[*kind].is_in_projects() { 2 } else { 1 }),
        );
        digits
    }

    fn worlds(&self) -> u64 {
        self.digits().iter().product()
    }
}

/// How many worlds there are.
pub(crate) fn count() -> u64 {
    SHAPES.iter().map(Shape::worlds).sum()
}

/// The world of this number.
pub(crate) fn world(number: u64) -> World {
    let mut rest = number % count();
    for shape in SHAPES {
        if rest < shape.worlds() {
            return of_shape(shape, rest);
        }
        rest -= shape.worlds();
    }
    of_shape(&SHAPES[0], 0)
}

fn of_shape(shape: &Shape, mut rest: u64) -> World {
    let mut next = Vec::new();
    for base in shape.digits() {
        next.push(rest % base);
        rest /= base;
    }
    let things = shape.kinds.len();
    let (names, places) = next[4..].split_at(things);
    let mut items = vec![
        Item {
            name: if next[0] == 0 {
                Name::Of(Task::A, Family::Context)
            } else {
                Name::Foreign
            },
            ..Item::stranger(P1, PROJECT)
        },
        Item::stranger(P2, PROJECT),
    ];
    for (at, kind) in shape.kinds.iter().enumerate() {
        items.push(thing(
            shape,
            at,
            *kind,
            names[at],
            places,
            next[3] == at as u64 + 1,
        ));
    }
    let unlooked = unlooked(shape, next[2]);
    World {
        flags: flags(shape, next[1], next[3] > 0),
        faults: fault(shape, next[2]).into_iter().collect(),
        items,
        unlooked: unlooked.into_iter().collect(),
        page: 0,
    }
}

fn thing(shape: &Shape, at: usize, kind: K, name: u64, places: &[u64], is_tagged: bool) -> Item {
    let number = |at: usize| FIRST + at as N;
    let ties = shape.ties.iter().filter(|(from, _)| *from == at);
    let mut ties: Vec<Tie> = ties
        .map(|(_, to)| Tie {
            kind: shape.kinds[*to],
            to: number(*to),
        })
        .collect();
    if [APP_CREDENTIAL, ASSIGNMENT].contains(&kind) {
        ties.push(Tie {
            kind: PROJECT,
            to: P1,
        });
    }
    let name = if KINDS[kind].is_witness {
        Name::None
    } else {
        NAMES[name as usize]
    };
    // A part is where its whole is.
    let place = match kind {
        LISTENER => places[0],
        _ => places[at],
    };
    let is_placed = KINDS[kind].is_in_projects() || kind == RECORD_SET;
    let place = if kind == RECORD_SET { places[0] } else { place };
    Item {
        name,
        project: is_placed.then_some(if place == 0 { P1 } else { P2 }),
        ties,
        is_tagged,
        is_made: kind == PORT && name.is_none(),
        is_marked: kind == VOLUME,
        ..Item::stranger(number(at), kind)
    }
}

fn flags(shape: &Shape, digit: u64, protects_tag: bool) -> Flags {
    let mut flags = Flags {
        protects_tag,
        ..Flags::default()
    };
    match digit {
        1 => flags.with_projects = true,
        2 => {
            flags.unmatched = true;
            flags.projects = Some(vec![P1, P2]);
        }
        3 => flags.except = vec![KINDS[shape.kinds[0]].name],
        4 => flags.except = vec![KINDS[shape.kinds[1]].name],
        5 => flags.projects = Some(vec![P1]),
        6 => flags.force = true,
        _ => {}
    }
    flags
}

fn fault(shape: &Shape, digit: u64) -> Option<Fault> {
    let digit = digit as usize;
    if digit < FAULTS.len() {
        return FAULTS[digit].clone();
    }
    let (which, at) = (
        (digit - FAULTS.len()) / shape.kinds.len(),
        (digit - FAULTS.len()) % shape.kinds.len(),
    );
    match which {
        0 => Some(Fault::Listing {
            kind: shape.kinds[at],
            from: 1,
            times: 1,
            bad: Bad::Unavailable,
        }),
        1 => Some(Fault::Deletion {
            n: FIRST + at as N,
            times: 100,
            trouble: Trouble::Denied,
        }),
        _ => None,
    }
}

/// The service that nobody looks at, instead of a fault.
fn unlooked(shape: &Shape, digit: u64) -> Option<&'static str> {
    let at = digit.checked_sub(FAULTS.len() as u64 + 2 * shape.things())?;
    let service = KINDS[shape.kinds[at as usize]].service();
    (service != "identity").then_some(service)
}
