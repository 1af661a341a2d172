//! Suggestions: the file's own text with one mark changed, and nothing else.

use cancel_pending::desired::{MarkEdit, SourceFile, read, suggest};
use proptest::prelude::*;

const PIN: &str = "5a63deb5";

fn file(text: &str) -> SourceFile {
    SourceFile { path: "offers.yaml".into(), bytes: text.into() }
}

/// The file with the suggestion followed; none where there is no suggestion.
fn followed(text: &str, edit: &MarkEdit) -> Option<String> {
    let id = |text: &str| text.parse().expect("an id");
    let suggestion = suggest(&file(text), &"contoso".parse().expect("an id"), &id("vm"), edit)?;
    assert!(suggestion.first <= suggestion.last, "{suggestion:?}");
    Some(suggestion.apply(text))
}

fn pin() -> MarkEdit {
    MarkEdit::Pin(PIN.parse().expect("an id"))
}

#[test]
fn a_pin_goes_below_the_mark() {
    for (before, after) in [
        (
            "publisher: contoso\noffers:\n  - id: vm\n    cancelPending: true\n",
            "publisher: contoso\noffers:\n  - id: vm\n    cancelPending: true\n    operationId: 5a63deb5\n",
        ),
        (
            "publisher: contoso\noffers:\n- cancelPending: true   # blocked\n  # the id\n  id: vm\n- id: other\n",
            "publisher: contoso\noffers:\n- cancelPending: true   # blocked\n  operationId: 5a63deb5\n  # the id\n  id: vm\n- id: other\n",
        ),
        (
            "offers:\n  - id: a\n    publisher: contoso\n  - {id: vm, publisher: contoso, cancelPending: true} # flow\n",
            "offers:\n  - id: a\n    publisher: contoso\n  - {id: vm, publisher: contoso, cancelPending: true, operationId: 5a63deb5} # flow\n",
        ),
        (
            "publisher: contoso\noffers:\n  - id: vm\n    cancelPending: true",
            "publisher: contoso\noffers:\n  - id: vm\n    cancelPending: true\n    operationId: 5a63deb5\n",
        ),
        (
            "publisher: contoso\r\noffers:\r\n  - id: vm\r\n    cancelPending: true\r\n",
            "publisher: contoso\r\noffers:\r\n  - id: vm\r\n    cancelPending: true\r\n    operationId: 5a63deb5\r\n",
        ),
        (
            "\u{feff}publisher: contoso\noffers:\n  - id: vm\n    cancelPending: true\n",
            "\u{feff}publisher: contoso\noffers:\n  - id: vm\n    cancelPending: true\n    operationId: 5a63deb5\n",
        ),
        (
            "---\npublisher: a\noffers: [{id: vm, cancelPending: true}]\n---\npublisher: Contoso\noffers: [{id: VM, cancelPending: true}]\n",
            "---\npublisher: a\noffers: [{id: vm, cancelPending: true}]\n---\npublisher: Contoso\noffers: [{id: VM, cancelPending: true, operationId: 5a63deb5}]\n",
        ),
    ] {
        assert_eq!(followed(before, &pin()).as_deref(), Some(after), "{before}");
    }
}

#[test]
fn an_id_that_yaml_would_take_for_a_number_is_quoted() {
    let text = "publisher: contoso\noffers:\n  - id: vm\n    cancelPending: true\n";
    for id in ["1234.5678", "1e5", "0x1f", "true", "null", "5a63deb5"] {
        let after = followed(text, &MarkEdit::Pin(id.parse().expect("an id"))).expect(id);
        let read = read(&[file(&after)]).expect("valid");
        let pinned = read.states[0].offers[0].mark.as_ref().and_then(|mark| mark.operation_id.as_ref());
        assert_eq!(pinned.expect("a pin").as_str(), id);
    }
    // A pin that the reader would refuse is not suggested.
    assert_eq!(followed(text, &MarkEdit::Pin("12345678".parse().expect("an id"))), None);
}

#[test]
fn a_mark_goes_with_all_that_belongs_to_it() {
    for (before, after) in [
        (
            "portal: product-ingestion\npublisher: contoso\noffers:\n  - id: vm\n    cancelPending: true\n    operationId: '4'\n    jobId: 7a1b2c3d-0000-4000-8000-00000000c0de\n",
            "portal: product-ingestion\npublisher: contoso\noffers:\n  - id: vm\n",
        ),
        (
            "publisher: contoso\noffers: [{id: vm, cancelPending: true, notificationEmails: [a@contoso.com,], reason: x}]\n",
            "publisher: contoso\noffers: [{id: vm, notificationEmails: [a@contoso.com,]}]\n",
        ),
        (
            "publisher: contoso\noffers:\n  # ours\n  - id: vm # the vm\n    cancelPending: true\n    operationId: a1\n    notificationEmails: [a@b.c]\n    # until then\n    expires: 2026-12-01T00:00:00Z # a date\n    reason: >-\n      two\n      lines\n\n  # another\n  - id: other\n",
            "publisher: contoso\noffers:\n  # ours\n  - id: vm # the vm\n    notificationEmails: [a@b.c]\n    # until then\n\n  # another\n  - id: other\n",
        ),
        (
            "publisher: contoso\noffers:\n  - cancelPending: true\n    operationId: a1\n    id: vm\n",
            "publisher: contoso\noffers:\n  - id: vm\n",
        ),
        (
            "publisher: contoso\noffers: [{id: vm, cancelPending: true, operationId: a1}, {id: b}]\n",
            "publisher: contoso\noffers: [{id: vm}, {id: b}]\n",
        ),
        (
            "publisher: contoso\noffers:\n  - {cancelPending: true, reason: 'a, b', id: vm,}\n",
            "publisher: contoso\noffers:\n  - {id: vm,}\n",
        ),
        (
            "publisher: contoso\noffers:\n  - {\n    id: vm,\n    cancelPending: true,\n    operationId: a1\n  }\n",
            "publisher: contoso\noffers:\n  - {\n    id: vm\n  }\n",
        ),
    ] {
        assert_eq!(followed(before, &MarkEdit::Remove).as_deref(), Some(after), "{before}");
    }
}

#[test]
fn where_a_comment_would_be_lost_or_moved_there_is_none() {
    for text in [
        "publisher: contoso\noffers:\n  - cancelPending: true\n    # about the id\n    id: vm\n",
        "publisher: contoso\noffers:\n  - {id: vm, # about the mark\n     cancelPending: true}\n",
        // Not this offer, and not a file that can be read.
        "publisher: other\noffers:\n  - {id: vm, cancelPending: true}\n",
        "publisher: contoso\noffers:\n  - {id: vm, cancelPending: yes}\n",
    ] {
        assert_eq!(followed(text, &MarkEdit::Remove), None, "{text}");
    }
}

#[test]
fn only_the_lines_that_change_are_replaced() {
    let text = "publisher: contoso\noffers:\n  - id: a\n  - id: vm\n    cancelPending: true\n    publisher: contoso\n    expires: 2026-01-01T00:00:00Z\n  - id: b\n";
    let suggestion =
        suggest(&file(text), &"contoso".parse().expect("an id"), &"vm".parse().expect("an id"), &MarkEdit::Remove)
            .expect("one");
    assert_eq!((suggestion.first, suggestion.last), (5, 7));
    assert_eq!(suggestion.lines, ["    publisher: contoso"]);
}

/// An offer's keys in some order and spelling.
fn any_offer() -> impl Strategy<Value = String> {
    let lines = vec![
        "id: vm",
        "cancelPending: true",
        "expires: 2026-01-01T00:00:00Z # then",
        "reason: \"it's, {so} # far\"",
        "notificationEmails:\n        - a@b.c",
    ];
    (Just(lines).prop_shuffle(), any::<bool>(), 0..3_usize).prop_map(|(keys, crlf, comments)| {
        let mut text = "publisher: contoso\noffers:\n    - ".to_owned();
        text.push_str(&keys.join("\n      "));
        text.push_str(&"\n    # and so on".repeat(comments));
        text.push_str("\n    - {id: other, cancelPending: true}\n");
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

proptest! {
    #[test]
    fn what_is_suggested_means_what_it_says(text in any_offer()) {
        let offer = |text: &str| read(&[file(text)]).expect("valid").states[0].offers[0].clone();
        let before = offer(&text);
        let pinned = followed(&text, &pin()).expect("a pin");
        let after = offer(&pinned);
        let pin = after.mark.and_then(|mark| mark.operation_id);
        prop_assert_eq!(pin.as_ref().map(cancel_pending::domain::OperationId::as_str), Some(PIN));
        prop_assert_eq!(&after.reason, &before.reason);
        let removed = followed(&pinned, &MarkEdit::Remove).expect("a removal");
        let after = offer(&removed);
        prop_assert_eq!((after.mark, after.reason), (None, None));
        prop_assert_eq!(after.notification_emails, before.notification_emails);
        prop_assert_eq!(removed.matches("and so on").count(), text.matches("and so on").count());
    }
}
