//! What a portal can do, as plain facts.
//!
//! Owns the list of facts. Each portal's backend states its own.

/// What keeps a cancel call from hitting another operation than the planned one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallGuard {
    /// The call carries a tag of the offer, and the portal refuses an outdated one.
    Tag,
    /// The call names the operation.
    Operation,
    /// The read right before the call, and nothing in the call itself.
    Read,
}

/// The facts about a portal's API that planning and applying depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent of each other")]
pub struct Capabilities {
    /// Whether the cancel call takes addresses that are told of its progress.
    pub takes_notification_emails: bool,
    /// What keeps a cancel call from hitting another operation.
    pub call_guard: CallGuard,
    /// Whether a mark without a pin can be carried out, so that it reaches every later operation too.
    pub cancels_unpinned: bool,
    /// Whether a cancelled operation disappears from the portal, so that its absence from a
    /// complete list says that it was cancelled.
    pub forgets_cancelled: bool,
    /// Whether an operation that is being cancelled can be told from one that runs on.
    pub shows_cancelling: bool,
    /// Whether a list of offers says of each of them whether anything runs on it.
    pub lists_activity: bool,
    /// Whether the list is of one publisher. Otherwise it is of all that the sign-in sees.
    pub lists_by_publisher: bool,
}
