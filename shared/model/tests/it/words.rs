use ledgerfleet_model::{
    Axis, ConnectionState, Environment, FailureKind, InstantField, Lane, RunState, SegmentState, Segmenting,
};

macro_rules! assert_round_trips {
    ($($type:ty),+) => { $(
        for word in <$type>::ALL {
            assert_eq!(word.as_str().parse::<$type>().as_ref(), Ok(word));
            assert_eq!(word.to_string(), word.as_str());
        }
    )+ };
}

#[test]
fn every_word_is_read_as_it_is_written() {
    assert_round_trips!(
        Axis,
        ConnectionState,
        Environment,
        FailureKind,
        InstantField,
        Lane,
        RunState
    );
    assert_round_trips!(SegmentState, Segmenting);
}

#[test]
fn a_word_that_is_none_says_which_there_are() {
    let refused = "dunno".parse::<RunState>().unwrap_err().to_string();
    assert_eq!(
        refused,
        "`dunno` is none of: active, paused, done, dead, cancelled"
    );
}

#[test]
fn lanes_are_served_in_their_order() {
    let ranks: Vec<i16> = Lane::ALL.iter().map(|lane| lane.rank()).collect();
    assert_eq!(ranks, [0, 1, 2]);
    assert!(
        Lane::ALL
            .iter()
            .all(|lane| Lane::from_rank(lane.rank()) == Some(*lane))
    );
}
