"""Between the services: out through the outbox, in through the doors, and what was parked."""

from deploy.dashboards.grafana import Dashboard, Panel, Query, Row
from deploy.dashboards.promql import quantile, rate, rose, total, within, worst

BOARD = Dashboard(
    "messaging",
    "Messaging",
    "How changes travel: outbox, relay, Kafka's lag, doors, dead letters.",
    [
        Row("Out: outbox and relay", [
            Panel(
                "Oldest change not yet told",
                "Below a second.",
                [Query(worst("mandat_outbox_age_seconds"))], "s", alerts=["MandatOutboxOld"], limits=(5, 30),
            ),
            Panel(
                "Rows in the outbox",
                "Tens. Bulk work fills it to 5,000 and waits there; more is something that does not wait.",
                [Query(worst("mandat_outbox_depth"))], alerts=["MandatOutboxDeep"], limits=(5000, 20000),
            ),
            Panel(
                "Told a second, by topic",
                "Follows requests; states are told again after an hour.",
                [Query(rate("mandat_outbox_relayed_total", "topic"), "{{topic}}")], "ops", stacked=True,
            ),
            Panel(
                "Shards with a relay",
                "4 for each service, whatever the number of workers. Fewer: a worker is missing, or a lock is held.",
                [Query(total("mandat_relay_shards"))], "none", alerts=["MandatRelayWithoutShards"], limits=(1, 4),
                more_is_good=True,
            ),
            Panel(
                "Relay began again, in an hour",
                "0; a few when a broker restarts.",
                [Query(rose("mandat_relay_failures_total"))], alerts=["MandatRelayFails"],
            ),
            Panel(
                "Topics that the broker lacks",
                "0. 1: what is published there waits in the outbox.",
                [Query(worst("mandat_relay_topic_missing", "service, topic"), "{{service}} {{topic}}")], "none",
                alerts=["MandatTopicMissing"], limits=(1,),
            ),
        ]),
        Row("In: doors", [
            Panel(
                "Messages that wait in Kafka, by consumer",
                "Below some hundreds, and falling.",
                [Query(total("mandat_consumer_lag", "consumer"), "{{consumer}}")], alerts=["MandatConsumerLag"],
                limits=(500, 1000),
            ),
            Panel(
                "99 of 100 take effect within",
                "From what a message tells of to its effect here: below a second; as long as an outage after one.",
                [Query(quantile(0.99, "mandat_message_delay_seconds", "consumer"), "{{consumer}}")], "s", limits=(1,),
            ),
            Panel(
                "Revocations in force within 1 s",
                "Nearly all; 99 % are promised. Ended sessions and links, where others have to refuse them.",
                [Query(within("1.0", "mandat_revocation_seconds", "consumer"), "{{consumer}}")], "percentunit",
                alerts=["MandatRevocationsLate"], limits=(0.99, 0.999), more_is_good=True, most=1,
            ),
            Panel(
                "Messages a second, by how they ended",
                "applied and ignored; duplicate after a restart; refused by a rule. parked: see below.",
                [Query(rate("mandat_messages_total", "outcome"), "{{outcome}}")], "ops", stacked=True,
            ),
            Panel(
                "95 of 100 are handled within",
                "Some ms; batches take as long as many messages.",
                [Query(quantile(0.95, "mandat_message_seconds", "consumer"), "{{consumer}}")], "s",
            ),
            Panel(
                "Tried again, by reason",
                "0; a burst when the database or the broker restarts. Transient is a handler's own.",
                [Query(rate("mandat_message_retries_total", "consumer, reason"), "{{consumer}} {{reason}}")], "ops",
                alerts=["MandatMessagesRetried"],
            ),
            Panel(
                "A message has waited for a neighbour since",
                "0. Else database or broker do not answer, or one statement always fails.",
                [Query(worst("mandat_door_waiting_seconds", "consumer"), "{{consumer}}")], "s",
                alerts=["MandatDoorWaits"], limits=(10, 120),
            ),
            Panel(
                "Doors that stopped",
                "0. 1: fifty messages in a row were parked; the fault is most likely the last release.",
                [Query(worst("mandat_door_halted", "consumer"), "{{consumer}}")], "none", alerts=["MandatDoorHalted"],
                limits=(1,),
            ),
            Panel(
                "Partitions with a worker",
                "12 for each topic that a consumer reads; 0 for minutes: nobody reads it.",
                [Query(total("mandat_consumer_partitions", "consumer"), "{{consumer}}")], "none",
                alerts=["MandatConsumerUnassigned"],
            ),
        ]),
        Row("Dead letters, and what is remembered", [
            Panel(
                "Parked, by consumer",
                "None. Nothing is drawn while there is none.",
                [Query(worst("mandat_dead_letters", "consumer"), "{{consumer}}")],
                alerts=["MandatLettersParked", "MandatLettersGrow"], limits=(1,),
            ),
            Panel(
                "Oldest parked message",
                "0. A day at most: somebody waits for what it would have done.",
                [Query(worst("mandat_dead_letters_oldest_seconds"))], "s", alerts=["MandatLettersOld"],
                limits=(3600, 86400),
            ),
            Panel(
                "Settled since the database began",
                "Rises when somebody redrives or drops.",
                [Query(worst("mandat_dead_letters_settled", "service, ending"), "{{service}} {{ending}}")],
            ),
            Panel(
                "Bulk jobs that wait for room",
                "0 but during imports and campaigns: they wait so that nothing urgent does.",
                [Query(total("mandat_bulk_waiting"))], "none", alerts=["MandatOutboxDeep"],
            ),
            Panel(
                "Messages remembered so that none is applied twice",
                "Level, or growing with traffic; pruned every hour.",
                [Query(worst("mandat_inbox_rows"))], alerts=["MandatInboxLarge"],
            ),
            Panel(
                "States told again a second",
                "An hour behind changes; nothing at night.",
                [Query(rate("mandat_states_sent_again_total"))], "ops",
            ),
        ]),
    ],
)  # fmt: skip
