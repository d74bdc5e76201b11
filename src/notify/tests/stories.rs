//! What one receiver is told, message by message.

use super::*;

/// A receiver `r`, and the incidents by topic.
struct Story {
    outbox: Outbox,
    incidents: BTreeMap<String, Incident>,
    second: u64,
}

impl Story {
    fn new(config: NotifyConfig) -> Self {
        Self { outbox: Outbox::new(config, 1), incidents: BTreeMap::new(), second: 0 }
    }

    fn now(&self) -> Timestamp {
        at(self.second)
    }

    fn open(&mut self, topic: &str, severity: Severity) -> &mut Self {
        let opened = incident("lag", topic, severity, self.now());
        self.incidents.insert(topic.to_owned(), opened);
        self
    }

    fn change(&mut self, topic: &str, severity: Severity) -> &mut Self {
        let changed = changed(&self.incidents[topic], severity, self.now());
        self.incidents.insert(topic.to_owned(), changed);
        self
    }

    fn resolve(&mut self, topic: &str) -> &mut Self {
        let over = resolved(&self.incidents[topic], self.now());
        self.incidents.insert(topic.to_owned(), over);
        self
    }

    fn inhibit(&mut self, is_inhibited: bool) -> &mut Self {
        self.incidents.values_mut().for_each(|incident| incident.inhibited = is_inhibited);
        self
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.second += seconds;
        self
    }

    fn see(&mut self) {
        let incidents: Vec<_> = self.incidents.values().cloned().map(Arc::new).collect();
        self.outbox.see(&"prod".into(), &incidents, self.now());
        self.outbox.saved(&"prod".into());
    }

    fn next(&mut self) -> Next {
        self.outbox.next(&"r".into(), self.now())
    }

    fn message(&mut self) -> Message {
        match self.next() {
            Next::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }

    /// What is told now, all of it taken.
    #[track_caller]
    fn check(&mut self, expected: &[&str]) -> &mut Self {
        self.see();
        let mut told = Vec::new();
        while let Next::Message(message) = self.next() {
            told.push(spoken(&message));
            self.outbox.delivered(&message, &taken(&message), TOOK, self.now());
        }
        assert_eq!(told, expected, "after {} s", self.second);
        self
    }

    fn silence(&mut self, matcher: &str, seconds: u64) -> SilenceId {
        let wanted = NewSilence {
            matchers: vec![Matcher::parse(matcher).unwrap()],
            starts_at: self.now(),
            ends_at: at(self.second + seconds),
            author: "ada".to_owned(),
            comment: "moving house".to_owned(),
        };
        self.outbox.add_silence(wanted, self.now()).unwrap().0.id
    }
}

use Severity::{Page, Ticket};

#[test]
fn each_change_is_told_once_and_what_goes_on_again_after_the_repeat() {
    let mut story = Story::new(only(pager()));
    story.open("a", Ticket).check(&["!a"]).check(&[]);
    story.after(5).change("a", Page).check(&["^a"]);
    story.after(100).change("a", Ticket).check(&["va"]);
    story.after(4 * 3600 - 1).check(&[]);
    story.after(1).check(&["=a"]);
    story.after(5).resolve("a").check(&[]);
    story.after(60).check(&[".a"]).after(86_400).check(&[]);
}

#[test]
fn what_is_over_before_it_was_told_is_told_all_the_same() {
    let over = |kind: ReceiverKind, expected: &[&str]| {
        let mut story = Story::new(only(kind));
        story.open("a", Page).see();
        story.after(3).resolve("a").check(expected);
    };
    over(pager(), &["!a", ".a"]);
    over(slack(), &["!.a"]);
    over(bot(), &["!.a"]);
    over(hook(), &["!.a"]);
    over(ReceiverKind::Terminal, &["!.a"]);
}

#[test]
fn a_group_shares_messages_and_pages_do_not_wait_for_it() {
    let mut story = Story::new(only(slack()));
    story.open("a", Ticket).open("b", Ticket).check(&["!a !b"]);
    story.after(1).open("c", Ticket).check(&[]);
    story.after(1).open("d", Page).check(&["!d !c"]);
    story.after(59).resolve("a").check(&[]);
    story.after(1).resolve("c").check(&[".a .c"]);
    story.after(1).change("b", Page).check(&["^b"]);
    story.after(1).resolve("b").check(&[".b"]);
}

#[test]
fn the_first_message_of_a_group_waits_for_others_when_it_is_told_to() {
    let mut config = only(slack());
    config.grouping.wait = Duration::from_secs(30);
    let mut story = Story::new(config.clone());
    story.open("a", Ticket).check(&[]);
    assert_eq!(story.next(), Next::At(at(30)));
    story.after(20).open("b", Ticket).check(&[]).after(10).check(&["!a !b"]);
    config.receivers[0].kind = pager();
    let mut story = Story::new(config);
    story.open("a", Ticket).check(&[]).open("b", Page).check(&["!b"]);
    story.after(30).check(&["!a"]);
}

#[test]
fn a_webhook_is_shown_the_whole_group() {
    let mut story = Story::new(only(hook()));
    story.open("a", Page).open("b", Page).check(&["!a !b"]);
    story.after(5).resolve("a").check(&[".a =b"]);
    story.after(5).open("c", Page).check(&["!c =b"]);
}

#[test]
fn an_alertmanager_is_told_again_and_again() {
    let mut story = Story::new(only(alertmanager()));
    story.open("a", Ticket).check(&["!a"]).after(1).open("b", Page).check(&["!b"]);
    story.after(58).check(&[]).after(1).check(&["=b =a"]);
    let silence = story.silence("topic=a", 3600);
    story.after(60).check(&["=b =a"]);
    story.outbox.expire_silence(&silence, story.now()).unwrap();
    story.resolve("b").check(&[".b"]).after(59).check(&[]).after(1).check(&["=a .b"]);
    for _ in 0..13 {
        story.after(60).check(&["=a .b"]);
    }
    story.after(60).check(&["=a"]);
}

#[test]
fn silences_hold_back_news_but_never_the_end_of_what_was_told() {
    let mut story = Story::new(only(pager()));
    story.open("a", Ticket).check(&["!a"]);
    story.silence("team=payments", 100);
    story.after(10).open("b", Page).open("c", Page).change("a", Page).check(&[]);
    assert_eq!(story.next(), Next::At(at(100)));
    story.after(10).resolve("a").resolve("b").check(&[]);
    story.after(40).check(&[".a"]);
    story.after(40).check(&["!c"]).after(10).check(&[]);
    let labels = |story: &Story, topic: &str| {
        let id = &story.incidents[topic].id;
        let views = story.outbox.deliveries(id, story.now());
        (views[0].state.label(), views[0].attempts.len())
    };
    assert_eq!(labels(&story, "a"), ("told", 2));
    assert_eq!(labels(&story, "b"), ("never_told", 0));
    assert_eq!(labels(&story, "c"), ("told", 1));
}

#[test]
fn a_silence_may_match_a_severity_only() {
    let mut story = Story::new(only(pager()));
    story.silence("severity=ticket", 100);
    story.open("a", Ticket).open("b", Page).check(&["!b"]);
    story.after(5).change("a", Page).check(&["!a"]);
    let silence = story.silence("severity=page", 100);
    story.after(5).open("c", Page).check(&[]);
    story.outbox.expire_silence(&silence, story.now()).unwrap();
    story.check(&["!c"]);
}

#[test]
fn what_is_inhibited_is_told_when_its_cluster_is_back() {
    let mut story = Story::new(only(slack()));
    story.open("a", Page).open("b", Page).inhibit(true).check(&[]);
    assert_eq!(story.outbox.count(&"prod".into(), story.now())[&Page], Counted { open: 0, silenced: 2 });
    story.after(100).resolve("b").check(&[]).after(100).inhibit(false).check(&["!a"]);
    assert_eq!(story.outbox.count(&"prod".into(), story.now())[&Page], Counted { open: 1, silenced: 0 });
}

#[test]
fn a_receiver_hears_of_an_incident_that_escalates_into_its_routes_until_it_is_over() {
    let config = NotifyConfig {
        receivers: vec![receiver("r", pager())],
        routes: vec![route(&["severity=page"], &["r"])],
        ..NotifyConfig::default()
    };
    let mut story = Story::new(config);
    story.open("a", Ticket).check(&[]).after(60).change("a", Page).check(&["!a"]);
    story.after(60).change("a", Ticket).check(&["va"]).after(60).resolve("a").check(&[".a"]);
    story.after(1).open("b", Ticket).check(&[]).after(1).resolve("b").check(&[]);
}

#[test]
fn many_at_once_are_told_as_one_until_all_are_over() {
    let mut story = Story::new(only(pager()));
    for topic in 'a'..='k' {
        story.open(&topic.to_string(), Page);
    }
    story.check(&["[!a !b !c !d !e !f !g !h !i !j !k]"]);
    // Few more are told one by one: a pager that has the summary already would not call.
    story.after(1).open("x", Page).check(&["!x"]);
    story.after(5).resolve("b").check(&[]);
    story.after(55).check(&["[=a =c =d =e =f =g =h =i =j =k .b]"]);
    for topic in 'a'..='k' {
        if topic != 'b' {
            story.after(1).resolve(&topic.to_string()).see();
        }
    }
    story.check(&["[.a .c .d .e .f .g .h .i .j .k]"]).resolve("x").check(&[".x"]);
    story.after(60).open("a", Page).check(&["!a"]);
}

#[test]
fn a_failure_is_tried_again_later_and_later() {
    let mut story = Story::new(only(pager()));
    story.open("a", Page).see();
    let mut pauses = Vec::new();
    let mut now = story.now();
    for _ in 0..10 {
        let message = match story.outbox.next(&"r".into(), now) {
            Next::Message(message) => message,
            other => panic!("{other:?}"),
        };
        let failure = Failure::Later { answer: "503 Service Unavailable".to_owned(), after: None };
        story.outbox.failed(&message, &failure, TOOK, now);
        let Next::At(due) = story.outbox.next(&"r".into(), now) else { panic!("not later") };
        pauses.push(due.since(now).0);
        now = due;
    }
    for (at, pause) in pauses.iter().enumerate() {
        let usual = (500_u64 << at).min(60_000);
        assert!((usual / 2..=usual * 3 / 2).contains(pause), "{pauses:?}");
    }
    let views = story.outbox.deliveries(&story.incidents["a"].id, now);
    assert_eq!((views[0].attempts.len(), views[0].state.label()), (10, "owed"));
    let receivers = story.outbox.receivers(now);
    assert_eq!((receivers[0].owed, receivers[0].oldest, receivers[0].is_up), (1, Some(at(0)), Some(false)));
    let trouble = receivers[0].trouble.as_ref().unwrap();
    assert_eq!((trouble.since, trouble.is_refusal), (at(0), false));
}

#[test]
fn a_receiver_is_left_alone_for_as_long_as_it_asks() {
    let mut story = Story::new(only(pager()));
    story.open("a", Ticket).see();
    let message = story.message();
    let failure = Failure::Later { answer: "429".to_owned(), after: Some(Duration::from_secs(30)) };
    story.outbox.failed(&message, &failure, TOOK, story.now());
    story.after(29).open("b", Page).check(&[]);
    story.after(1).check(&["!b", "!a"]);
}

/// One message that its receiver cannot take does not hold up those behind it for ever.
#[test]
fn a_message_that_always_fails_holds_up_no_other() {
    let mut story = Story::new(only(pager()));
    story.open("bad", Page);
    for topic in ["a", "b", "c"] {
        story.after(1).open(topic, Ticket).see();
    }
    let mut told = Vec::new();
    let mut tries = 0;
    let mut now = story.now();
    while now < at(600) {
        match story.outbox.next(&"r".into(), now) {
            Next::Message(message) if spoken(&message) == "!bad" => {
                tries += 1;
                let failure = Failure::Later { answer: "500".to_owned(), after: None };
                story.outbox.failed(&message, &failure, TOOK, now);
            }
            Next::Message(message) => {
                told.push((spoken(&message), now.since(at(0)).0 / 1000));
                story.outbox.delivered(&message, &taken(&message), TOOK, now);
            }
            Next::At(due) => now = due,
            Next::Idle => break,
        }
    }
    let topics: Vec<_> = told.iter().map(|(topic, _)| topic.as_str()).collect();
    assert_eq!(topics, ["!a", "!b", "!c"]);
    assert!(told.iter().all(|(_, second)| *second < 8), "{told:?}");
    assert!((8..40).contains(&tries), "{tries}");
}

#[test]
fn what_is_refused_goes_to_the_fallback_and_is_not_tried_again() {
    let mut config = NotifyConfig {
        receivers: vec![receiver("r", pager()), receiver("other", slack())],
        routes: vec![route(&[], &["r"])],
        ..NotifyConfig::default()
    };
    config.receivers[0].fallback = Some("other".into());
    config.receivers[1].fallback = Some("r".into());
    let mut story = Story::new(config.clone());
    let refuse = |story: &mut Story, expected: &str| {
        story.see();
        let message = story.message();
        assert_eq!(spoken(&message), expected);
        let failure = Failure::Never { answer: "400 Bad Request".to_owned() };
        story.outbox.failed(&message, &failure, TOOK, story.now());
    };
    let other = |story: &mut Story, expected: &str| {
        let Next::Message(message) = story.outbox.next(&"other".into(), story.now()) else { panic!() };
        assert_eq!(spoken(&message), expected);
        story.outbox.delivered(&message, &taken(&message), TOOK, story.now());
    };
    story.open("a", Ticket);
    refuse(&mut story, "!a");
    other(&mut story, "!a");
    story.after(86_400).check(&[]);
    assert_eq!(story.outbox.deliveries(&story.incidents["a"].id, story.now())[1].state.label(), "refused");
    assert!(story.outbox.receivers(story.now())[1].trouble.as_ref().unwrap().is_refusal);
    // An escalation is something else, and may be taken.
    story.change("a", Page);
    refuse(&mut story, "!a");
    other(&mut story, "^a");
    // New settings may be right.
    config.receivers[0].timeout = Duration::from_secs(5);
    story.outbox.reconfigure(config, story.now());
    story.check(&["!a"]).after(1).resolve("a").check(&[".a"]);
    other(&mut story, ".a");
    // Both refuse: there is no third.
    story.after(60).open("b", Page);
    refuse(&mut story, "!b");
    let Next::Message(message) = story.outbox.next(&"other".into(), story.now()) else { panic!() };
    let failure = Failure::Never { answer: "404 Not Found".to_owned() };
    story.outbox.failed(&message, &failure, TOOK, story.now());
    story.after(60).check(&[]).resolve("b").check(&[]);
    assert_eq!(story.outbox.next(&"other".into(), story.now()), Next::Idle);
}

#[test]
fn threads_come_back_with_the_next_message() {
    let mut story = Story::new(only(bot()));
    story.open("a", Ticket).see();
    let message = story.message();
    let thread = Some(Thread { channel: "C1".to_owned(), id: "1767323045.000100".to_owned() });
    let receipt = Receipt { answer: "ok".to_owned(), threads: vec![thread.clone()] };
    story.outbox.delivered(&message, &receipt, TOOK, story.now());
    story.after(1).change("a", Page).see();
    let message = story.message();
    assert_eq!(message.notices[0].thread, thread);
    story.outbox.delivered(&message, &taken(&message), TOOK, story.now());
    story.after(1).resolve("a").see();
    assert_eq!(story.message().notices[0].thread, thread);
}

#[test]
fn new_receivers_are_told_of_what_is_open_and_those_that_are_gone_of_nothing() {
    let mut story = Story::new(only(slack()));
    story.open("a", Page).open("b", Page).check(&["!a !b"]).after(1).resolve("b").check(&[".b"]);
    let mut config = only(pager());
    config.receivers[0].name = "new".into();
    config.routes = vec![route(&[], &["new"])];
    let done = story.outbox.reconfigure(config, story.now());
    assert_eq!(done.dropped, [("r".into(), 2)]);
    // Two are removed and one is new.
    assert_eq!(done.rows[&ClusterName::from("prod")].len(), 3);
    assert_eq!(story.next(), Next::Idle);
    let Next::Message(message) = story.outbox.next(&"new".into(), story.now()) else { panic!() };
    assert_eq!(spoken(&message), "!a");
}

#[test]
fn of_what_exceeds_the_limit_pages_go_first_and_then_the_oldest() {
    let mut config = only(pager());
    config.receivers[0].rate_limit = Some(RateLimit { messages: 2, per: Duration::from_secs(60) });
    let mut story = Story::new(config);
    story.open("a", Ticket).check(&["!a"]).open("b", Ticket).see();
    story.after(5).open("c", Ticket).open("d", Page).see();
    story.after(1).open("e", Page).see();
    let mut told = Vec::new();
    while story.second < 300 {
        if let Next::Message(message) = story.next() {
            told.push((story.second, spoken(&message)));
            story.outbox.delivered(&message, &taken(&message), TOOK, story.now());
        }
        story.after(1);
    }
    let told: Vec<_> = told.iter().map(|(second, text)| (*second, text.as_str())).collect();
    assert_eq!(told, [(30, "!d"), (60, "!e"), (90, "!b"), (120, "!c")]);
}
