"""The 31 canaries: what is seeded, which test must catch it, and as what."""

from tests.battery.canaries import seeds_doubts, seeds_money, seeds_sending
from tests.battery.canaries.canary import CORPUS, MACHINE, RACES, STORIES, WIRE, Canary, Trial

ANSWERS = f"{STORIES}::test_answers_however_often_and_odd_give_back_what_is_due_and_no_more"
LOST = f"{STORIES}::test_a_lost_answer_is_no_leave_to_send_again"
KILLED = f"{STORIES}::test_a_sender_killed_after_the_provider_has_read_leaves_a_doubt"
READ = f"{WIRE}::test_what_was_read_is_never_called_not_sent[http]"
HARD = f"{MACHINE}::test_no_verdict_is_wrong_where_a_rule_is_needed_most"
ONE_LIVE = "forward_attempt_one_live_per_order"
REPEATS = "tests/orders/forwarding/test_repeats_forbidden.py"
REPEATED = "F1 is broken: a request was repeated against the rules"
DOUBLED = "F1 is broken .an order is bought at most once"

CANARIES = (
    Canary(
        1, "add repeated on a read timeout", "the client posts again when the deadline has cut the answer off",
        (Trial(f"{LOST}[timeout_after_accept]", DOUBLED),), seeds_sending.repeat_add_on_timeout,
    ),
    Canary(
        2, "ConnectionError counted as not sent", "a broken connection is recorded as if no byte had been handed over",
        (Trial(READ, "F1: called not sent, and read by the provider"), Trial(f"{LOST}[close_no_answer]", DOUBLED)),
        seeds_sending.broken_means_not_sent,
    ),
    Canary(
        3, "redirects followed", "the adapter posts the body, key included, to wherever it is sent",
        (Trial(READ, "F1: a redirect was followed"),), seeds_sending.follow_redirects,
    ),
    Canary(
        4, "sweep requeues sending", "an expired lease queues an order whose attempt was sending",
        (Trial(KILLED, DOUBLED),), seeds_sending.requeue_what_was_sending,
        unguarded=f"DROP INDEX {ONE_LIVE}", guard=ONE_LIVE,
    ),
    Canary(
        5, "late answer dropped", "what comes after the sweep gave up is neither stored nor recorded",
        (Trial(f"{STORIES}::test_an_answer_that_comes_after_the_sweep_gave_up_is_heeded", "N2 is broken"),),
        seeds_sending.drop_late_answers,
    ),
    Canary(
        6, "partial unique index missing", f"the index {ONE_LIVE} is dropped",
        (
            Trial(f"{STORIES}::test_the_database_itself_refuses_a_second_live_attempt",
                  "F1 is broken .an order has at most one live attempt"),
            Trial("tests/billing/test_schema.py::test_no_guard_is_without_its_bad_row", ONE_LIVE),
        ),
        unguarded=f"DROP INDEX {ONE_LIVE}",
    ),
    Canary(
        7, "wallet read, changed in Python, written back", "the balance read before the order is written back after it",
        (Trial(f"{RACES}::test_one_wallet_is_spent_to_nothing_and_not_beyond", "I2 is broken"),),
        seeds_money.write_the_balance_back,
        unguarded="DROP TRIGGER billing_account_guard ON billing_account; GRANT UPDATE ON billing_account TO permille",
        guard="permission denied for table billing_account",
    ),
    Canary(
        8, "balance checked, then decremented, no CHECK", "the balance is looked at before the statement that takes it",
        (Trial(f"{RACES}::test_one_wallet_is_spent_to_nothing_and_not_beyond",
               "I2 is broken .no wallet is below 0"),),
        seeds_money.check_the_balance_and_then_take_it,
        unguarded="ALTER TABLE billing_account DROP CONSTRAINT wallet_never_negative", guard="wallet_never_negative",
    ),
    Canary(
        9, "float money in refunds", "what is due is computed and rounded as a float",
        (Trial(f"{STORIES}::test_charges_and_refunds_are_exact_in_every_place", "S8 is broken"),),
        seeds_money.float_refunds,
    ),
    Canary(
        10, "refund on each poll instead of towards a target", "what was refunded before is not subtracted",
        (Trial(f"{ANSWERS}[partial:157]", "S1 is broken"),), seeds_money.refund_on_each_poll,
    ),
    Canary(
        11, "Incorrect order ID cancels", "a denied id is heard as Canceled",
        (Trial(f"{ANSWERS}[transient_incorrect_id]", "S5 is broken"),), seeds_money.a_denied_id_cancels,
    ),
    Canary(
        12, "negative remains refund more", "the sign of remains is dropped",
        (Trial(f"{ANSWERS}[remains_negative]", "S4 is broken"),), seeds_money.remains_without_a_sign,
    ),
    Canary(
        13, "Completed then In progress reopens", "an ended order takes over any later word",
        (Trial(f"{ANSWERS}[completed_then_progress]", "S3 is broken"),), seeds_money.reopen_what_was_settled,
    ),
    Canary(
        14, "own unknown id matched by price alone", "of several attempts that may own an id, the first gets it",
        (
            Trial(f"{HARD}[14]", "F5: an order was given another order's id"),
            Trial(f"{STORIES}::test_of_two_doubts_of_one_price_none_is_guessed_at", "F5 is broken"),
        ),
        seeds_doubts.price_alone_decides,
    ),
    Canary(
        15, "T_settle 0", "DOUBT_SETTLE_SECONDS and the machine's patience are 0",
        (
            Trial(f"{MACHINE}::test_no_verdict_is_wrong_and_few_doubts_need_a_person[default]",
                  "F1: an order that had"),
            Trial(f"{STORIES}::test_an_order_that_takes_effect_late_is_not_sent_again", DOUBLED),
        ),
        seeds_doubts.no_patience,
    ),
    Canary(
        16, "doorbell published before commit, no sweep", "placing rings at once, and the sweep rings for nobody",
        (Trial(f"{STORIES}::test_a_doorbell_rings_when_its_order_can_be_found_and_the_sweep_rings_for_the_rest",
               "L2: an order waits"),),
        seeds_sending.ring_before_the_commit_and_never_sweep,
    ),
    Canary(
        17, "payment event without UNIQUE", "the key is looked for before posting, and its constraint is gone",
        (Trial(f"{RACES}::test_one_payment_heard_of_fifty_times_is_credited_once", "I4 is broken"),),
        seeds_money.look_for_the_key_and_then_post,
        unguarded="ALTER TABLE billing_transfer DROP CONSTRAINT billing_transfer_key_key",
        guard="billing_transfer_key_key",
        nearest="the event is a credit by hand with a reference, whose key guards it as it guards that of a gateway",
    ),
    Canary(
        18, "empty secret accepted", "an empty SECRET_KEY starts the shop, and an empty API key opens any account",
        (
            Trial(f"{STORIES}::test_an_empty_secret_stops_the_start", "I4: an empty secret was accepted"),
            Trial("tests/api/test_keys.py::test_a_key_in_the_query_string_is_no_key", "Invalid API key"),
        ),
        seeds_money.empty_secrets_open,
        nearest="the secrets are the shop's own and its resellers'; a gateway without one cannot be saved",
    ),
    Canary(
        19, "duplicate JSON keys accepted", "the decoder keeps the last of two values",
        (Trial(f"{CORPUS}::test_every_kept_answer_under_every_action", "F5: PLACED"),),
        seeds_doubts.duplicate_keys_are_fine,
    ),
    Canary(
        20, "send task with an order id, no claim, late ack", "it posts at once, and again",
        (
            Trial(KILLED, DOUBLED),
            Trial(f"{STORIES}::test_no_message_of_the_broker_can_send_an_order", "F1: the broker may repeat"),
        ),
        seeds_sending.a_task_that_posts_without_a_claim,
    ),
    Canary(
        21, "a different charge does not block not placed", "only an id of the expected charge blocks",
        (Trial(f"{HARD}[21]", "F1: an order that had"),), seeds_doubts.a_different_charge_does_not_block,
    ),
    Canary(
        22, "deadline_fired ignored", "the wire forgets that it cut the connection itself",
        (
            Trial("tests/upstream/test_wire.py::TestInDoubt::test_a_lost_or_spoiled_answer[http-drip_headers]",
                  "not exchanges.0..complete"),
            Trial(READ, "an answer that the deadline cut off was believed"),
        ),
        seeds_sending.believe_what_the_deadline_cut_off,
    ),
    Canary(
        23, "permit run before connecting", "the permit is asked for when the socket is about to be opened",
        (Trial(f"{STORIES}::test_a_sender_killed_while_it_connects_leaves_no_doubt", "a false doubt"),),
        seeds_sending.ask_for_the_permit_before_connecting,
    ),
    Canary(
        24, "restore starts thawed", "nothing looks where the database lives, and no permit asks",
        (Trial(f"{STORIES}::test_a_shop_put_back_from_a_dump_sends_nothing_of_yesterdays_queue", DOUBLED),),
        seeds_sending.start_thawed,
    ),
    Canary(
        25, "an orphan row explains an id", "listing an id for the owner takes it out of the bracket",
        (Trial(f"{HARD}[25]", "F1: an order that had"),), seeds_doubts.an_orphan_explains_its_id,
    ),
    Canary(
        26, "a person's wrong not placed is forgotten", "such an attempt may own no id any more",
        (Trial(f"{HARD}[26]", "F5: an order was given another order's id"),),
        seeds_doubts.a_persons_error_is_forgotten,
    ),
    Canary(
        27, "a charge that is named late is never asked for", "an id without a charge keeps the answer it gave first",
        (Trial(f"{STORIES}::test_a_charge_that_is_named_late_settles_a_doubt", "L1: a doubt waits for a charge"),),
        seeds_doubts.never_ask_again,
    ),
    Canary(
        28, "a request repeated after ten minutes", "the claim and the permit of a repeat ask no clock",
        (Trial(f"{REPEATS}::test_after_ten_minutes_nothing_is_repeated", REPEATED),), seeds_sending.repeat_for_ever,
    ),
    Canary(
        29, "a request repeated without a proof", "a dialect that names the field is proof enough",
        (Trial(f"{REPEATS}::test_without_a_proof_nothing_is_repeated", REPEATED),), seeds_sending.repeat_unproven,
    ),
    Canary(
        30, "a request repeated after a thaw", "nobody asks whether the shop was frozen or put back since the send",
        (Trial(f"{REPEATS}::test_nothing_is_repeated_while_frozen_or_after_a_thaw", REPEATED),),
        seeds_sending.repeat_after_a_thaw,
    ),
    Canary(
        31, "a link changed after the claim", "nobody asks whether the order is being sent",
        (Trial("tests/orders/test_link_change.py::test_while_it_is_being_sent_it_keeps_its_link",
               "F1 is broken: the provider was sent another link"),),
        seeds_sending.change_links_at_any_time,
        unguarded="DROP TRIGGER orders_order_guard ON orders_order",
        guard="the link of what may have been sent never changes",
    ),
)  # fmt: skip
