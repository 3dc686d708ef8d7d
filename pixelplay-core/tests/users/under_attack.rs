//! Weeks of guessing on a virtual clock: who can log in, and how many guesses an account sees.

use super::*;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use std::collections::BTreeMap;

const HOUR: Duration = Duration::from_secs(3600);

/// Returns a store whose clock is moved by hand, with cheap hashes.
fn store(folder: &Folder, clock: &SetClock) -> UserStore {
    folder.open_with(|options| options.clock = clock.clock())
}

fn log_in(
    users: &UserStore,
    name: &str,
    password: &str,
    source: &str,
    device: Option<&str>,
) -> Result<NewSession, UserError> {
    users.log_in_from(name, password, &Client { source: Some(source), device, ..Client::default() })
}

/// Returns how long a failed attempt has to wait; `None` if the password was checked.
fn wait_of(answer: Result<NewSession, UserError>) -> Option<Duration> {
    match answer {
        Err(UserError::Throttled { retry_after, .. }) => Some(retry_after),
        Err(UserError::InvalidCredentials) => None,
        other => panic!("unexpected answer to a guess: {other:?}"),
    }
}

#[test]
fn the_owner_gets_in_all_week_while_a_thousand_addresses_guess() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = store(&folder, &clock);
    users.register("ana", PASSWORD).unwrap();
    let home = log_in(&users, "ana", PASSWORD, "203.0.113.5", None).unwrap();
    let device = home.device.expose().to_owned();

    let mut rng = StdRng::seed_from_u64(7);
    let days = 7;
    let mut guesses = Vec::new();
    let mut sources = 0;
    let (mut owner_in, mut stranger_in, mut stranger_out) = (0, 0, 0);
    for _ in 0..days {
        let mut today = 0;
        let mut owner_comes: Vec<u64> = (0..3).map(|_| rng.random_range(0..86_400)).collect();
        owner_comes.sort_unstable();
        let (mut second, mut next_guess) = (0, 0);
        while second < 86_400 {
            // The attacker tries again as soon as it may, each time from another address.
            if second >= next_guess {
                let source = format!("198.51.{}.{}", sources / 250 % 4, sources % 250);
                sources += 1;
                match wait_of(log_in(&users, "ana", OTHER_PASSWORD, &source, None)) {
                    None => today += 1,
                    Some(wait) => next_guess = second + wait.as_secs() + 1,
                }
            }
            if owner_comes.first() == Some(&second) {
                owner_comes.remove(0);
                // From a known device, the owner can always log in; without one, only sometimes.
                match log_in(&users, "ana", PASSWORD, "203.0.113.5", Some(&device)) {
                    Ok(log_in) if log_in.device.expose() == device => owner_in += 1,
                    other => panic!("the owner was refused: {other:?}"),
                }
                match users.log_in_wait("ana").unwrap() {
                    Duration::ZERO => stranger_in += 1,
                    _ => stranger_out += 1,
                }
            }
            let until = next_guess.min(owner_comes.first().copied().unwrap_or(86_400));
            let step = until.saturating_sub(second).clamp(1, 86_400 - second);
            clock.forward(SECOND * u32::try_from(step).unwrap());
            second += step;
        }
        guesses.push(today);
    }
    println!(
        "guesses a day: {guesses:?} in {sources} attempts; the owner logged in {owner_in} of {} times from a known \
         device, and could have {stranger_in} times without one ({stranger_out} refused)",
        3 * days
    );
    assert_eq!(owner_in, 3 * days);
    assert!(guesses.iter().all(|today| *today <= 100), "{guesses:?}");
    // An owner without a device can log in after a reset, although the guessing goes on.
    let reset = users.start_password_reset("ana").unwrap();
    users.finish_password_reset(reset.expose(), "the first words of a song").unwrap();
    log_in(&users, "ana", "the first words of a song", "192.0.2.1", None).unwrap();
}

#[test]
fn a_school_behind_one_address_types_right_and_is_let_in() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = store(&folder, &clock);
    let names: Vec<String> = (0..60).map(|n| format!("pupil-{n}")).collect();
    for name in &names {
        import(&users, name);
    }
    let school = "203.0.113.8";
    let mut rng = StdRng::seed_from_u64(8);
    let mut answers = BTreeMap::<&str, usize>::new();
    let days = soak(1, 5);
    for _day in 0..days {
        // First all log in within five minutes, then one a minute for ten hours; one in eight
        // mistypes.
        let arrivals = (0..60).map(|_| SECOND * 5).chain((0..600).map(|_| MINUTE));
        for (n, pause) in arrivals.enumerate() {
            clock.forward(pause);
            let name = &names[n % 60];
            let answer = if rng.random_range(0..8) == 0 {
                match log_in(&users, name, OTHER_PASSWORD, school, None) {
                    Err(UserError::InvalidCredentials) => "mistyped",
                    other => panic!("{other:?}"),
                }
            } else {
                match log_in(&users, name, PASSWORD, school, None) {
                    Ok(_) => "in",
                    other => panic!("{name} typed right and was refused: {other:?}"),
                }
            };
            *answers.entry(answer).or_default() += 1;
        }
        clock.forward(13 * HOUR);
    }
    println!("{days} days of a school: {answers:?}, none refused");
    assert!(answers["mistyped"] > 50);
}

#[test]
fn clocks_that_jump_lock_nobody_out_and_forget_no_guesses() {
    let year = 365 * DAY;
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = store(&folder, &clock);
    import(&users, "ana");
    let guess = || wait_of(log_in(&users, "ana", OTHER_PASSWORD, "198.51.100.9", None));
    let guess_until_throttled = || {
        let guesses = (0..).take_while(|_| guess().is_none()).count();
        assert!(guesses <= 4, "{guesses}");
        guesses
    };
    // The clock is set back, from a year ahead to now.
    clock.forward(year);
    guess_until_throttled();
    clock.back(year);
    log_in(&users, "ana", PASSWORD, "203.0.113.5", None).unwrap();
    // The same while guessing goes on: one attempt is accepted, which dates the failures by the new
    // clock. Then there are waits as before, which end.
    clock.forward(year);
    guess_until_throttled();
    clock.back(year);
    assert_eq!(guess(), None);
    let wait = guess().unwrap();
    assert!(wait <= 2 * SECOND, "{wait:?}");
    clock.forward(wait);
    log_in(&users, "ana", PASSWORD, "203.0.113.5", None).unwrap();
    // The clock is set forward: nobody has to wait for a year.
    guess_until_throttled();
    clock.forward(year);
    log_in(&users, "ana", PASSWORD, "203.0.113.5", None).unwrap();
    // Setting the clock back and forth every minute gives one more guess each time, not four.
    guess_until_throttled();
    let mut guesses = 0;
    for _ in 0..20 {
        clock.back(year);
        guesses += usize::from(guess().is_none());
        guesses += usize::from(guess().is_none());
        clock.forward(year);
        clock.forward(MINUTE);
        guesses += usize::from(guess().is_none());
    }
    println!("{guesses} guesses in 40 jumps of a year");
    assert!(guesses <= 60, "{guesses}");
    clock.forward(HOUR);
    log_in(&users, "ana", PASSWORD, "203.0.113.5", None).unwrap();
}

#[test]
fn a_device_is_of_one_account_and_gone_with_its_password() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = store(&folder, &clock);
    users.register("ana", PASSWORD).unwrap();
    users.register("bea", PASSWORD).unwrap();
    let of_bea = log_in(&users, "bea", PASSWORD, "192.0.2.1", None).unwrap().device;
    let ana = log_in(&users, "ana", PASSWORD, "192.0.2.2", None).unwrap();
    let of_ana = ana.device.expose();
    while wait_of(log_in(&users, "ana", OTHER_PASSWORD, "198.51.100.9", None)).is_none() {}
    for other in [of_bea.expose(), ana.token.expose(), "", &"A".repeat(43)] {
        wait_of(log_in(&users, "ana", PASSWORD, "192.0.2.2", Some(other))).unwrap();
    }
    // The token of a device does not log anybody in.
    refused!(users.resume(of_ana), UserError::InvalidSession);
    // Its own failures are counted, and nobody else waits for them.
    for _ in 0..4 {
        let answer = log_in(&users, "ana", OTHER_PASSWORD, "192.0.2.2", Some(of_ana));
        refused!(answer, UserError::InvalidCredentials);
    }
    refused!(
        log_in(&users, "ana", PASSWORD, "192.0.2.2", Some(of_ana)),
        UserError::Throttled { .. }
    );
    clock.forward(SECOND);
    log_in(&users, "ana", PASSWORD, "192.0.2.2", Some(of_ana)).unwrap();
    // Anyone who knew the old password may have created devices.
    users.set_password("ana", OTHER_PASSWORD).unwrap();
    while wait_of(log_in(&users, "ana", PASSWORD, "198.51.100.9", None)).is_none() {}
    let answer = log_in(&users, "ana", OTHER_PASSWORD, "192.0.2.2", Some(of_ana));
    refused!(answer, UserError::Throttled { .. });
    users.unlock("ana").unwrap();
    let new = log_in(&users, "ana", OTHER_PASSWORD, "192.0.2.2", Some(of_ana)).unwrap();
    assert_ne!(new.device.expose(), of_ana);
    // An account knows 20 devices; the least recently used one is removed.
    for n in 0..30 {
        clock.forward(SECOND);
        log_in(
            &users,
            "ana",
            OTHER_PASSWORD,
            "192.0.2.2",
            (n % 2 == 0).then_some(new.device.expose()),
        )
        .unwrap();
    }
    assert_eq!(
        folder.count("device WHERE account = (SELECT id FROM account WHERE name = 'ana')"),
        16
    );
    for _ in 0..10 {
        clock.forward(SECOND);
        log_in(&users, "ana", OTHER_PASSWORD, "192.0.2.2", None).unwrap();
    }
    assert_eq!(
        folder.count("device WHERE account = (SELECT id FROM account WHERE name = 'ana')"),
        20
    );
}
