//! What can be wrong with a declaration, with an object, or with what a rule says about it.

use std::sync::Arc;

use crate::resource::ThingRef;

/// What is wrong with an object or with what a rule says about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// A kind's name is not `<service>.<resource>`.
    #[error(
        "{0:?} is no name of a kind: it is <service>.<resource> in lower-case letters, digits and underscores"
    )]
    KindName(String),
    /// A kind declares no request.
    #[error("kind {0} declares no request, so it could delete nothing")]
    NoRequest(Arc<str>),
    /// A kind is there to tie others, and yet declares a request.
    #[error("kind {0} is a witness, and a witness declares no request")]
    Witness(Arc<str>),
    /// A kind is there to tie others, and does not say where it is listed.
    #[error("kind {0} is a witness, and declares no path that shows it (`reads`)")]
    Unread(Arc<str>),
    /// A request for projects, domains or users of a kind that is called otherwise.
    #[error(
        "kind {kind} has the request {template:?}: projects, domains and users are of the kinds identity.project, identity.domain and identity.user alone"
    )]
    IdentityRequest {
        /// The kind.
        kind: Arc<str>,
        /// The request.
        template: String,
    },
    /// A request that nobody can know the collection of.
    #[error(
        "kind {kind} has the request {template:?}: behind the version a path begins with a literal segment, so that no thing's name says in which collection it acts; only an object store's containers are called as their tenants like"
    )]
    Placeless {
        /// The kind.
        kind: Arc<str>,
        /// The request.
        template: String,
    },
    /// Something that is declared is longer than anything of its sort, or holds what is not seen, or names no kind.
    #[error("kind {kind} declares {what} that {why}")]
    Unfit {
        /// The kind.
        kind: Arc<str>,
        /// What.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A listing asked for some fields, and not for all that count.
    #[error(
        "{path} asks for some fields, and not for {member:?}: what was not asked for would pass for absent"
    )]
    Selection {
        /// Path of the listing, with its query.
        path: String,
        /// What it leaves out.
        member: String,
    },
    /// A listing asks for some fields in a way that the service may read otherwise than the runner.
    #[error(
        "{path} has {parameter:?}, which the service may read otherwise than the runner: some fields are asked for by `fields`, as the service's own reference writes it, or not at all"
    )]
    Spelling {
        /// Path of the listing, with its query.
        path: String,
        /// The parameter.
        parameter: String,
    },
    /// A kind passes for the projects or the users, which the runner goes by.
    #[error("kind {0} is only of the service \"identity\": the runner itself goes by it")]
    Identity(Arc<str>),
    /// A kind declares something too often.
    #[error("kind {kind} declares too many {what}: 200 are the most")]
    TooMany {
        /// The kind.
        kind: Arc<str>,
        /// What.
        what: &'static str,
    },
    /// A request would change who may do what.
    #[error(
        "kind {kind} has the request {template:?}: role assignments and memberships are no rule's business"
    )]
    Grant {
        /// The kind.
        kind: Arc<str>,
        /// The request.
        template: String,
    },
    /// A field is no pointer to a member, or to one behind a single wrapper.
    #[error("kind {kind} has {pointer:?} as a field: a field is /member or /wrapper/member")]
    Pointer {
        /// The kind.
        kind: Arc<str>,
        /// The pointer.
        pointer: String,
    },
    /// A listed object has no id where it should.
    #[error("an object in {path} has no id at {pointer}")]
    NoId {
        /// Path of the listing.
        path: String,
        /// Where the id should be.
        pointer: String,
    },
    /// A listed object has an id, and the kind takes another field for it.
    #[error("an object in {path} goes by the id {own:?} that it has, and not by {pointer}")]
    OtherId {
        /// Path of the listing.
        path: String,
        /// Its own id.
        own: String,
        /// What the kind takes for the id.
        pointer: String,
    },
    /// A listed object does not say that it belongs to the thing under which it was listed.
    #[error(
        "{thing} does not show that it is under {parent}: neither in an owner field, nor by the path that deletes it"
    )]
    Parent {
        /// The thing.
        thing: ThingRef,
        /// What it was listed under.
        parent: ThingRef,
    },
    /// A listed object does not come from the collection that its templates delete from.
    #[error(
        "{thing} was shown by {path}, which is not the collection that its templates delete from"
    )]
    Collection {
        /// What the object pretends to be.
        thing: ThingRef,
        /// Path of the listing.
        path: String,
    },
    /// A name which the object does not carry.
    #[error("{thing} does not carry the name {name:?} in any of its name fields")]
    Name {
        /// The thing.
        thing: ThingRef,
        /// The pretended name.
        name: String,
    },
    /// An owner which the object does not carry.
    #[error("{thing} does not carry {owner} in any of its owner fields")]
    Owner {
        /// The thing.
        thing: ThingRef,
        /// The pretended owner.
        owner: ThingRef,
    },
    /// What a rule says of a thing is not in its object, and what is there may be read in more ways than one.
    #[error("it has {what} that may be read in more ways than one: {value:?}")]
    Odd {
        /// What.
        what: &'static str,
        /// The value, or the beginning of it.
        value: String,
    },
}
