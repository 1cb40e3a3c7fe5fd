"""What Prometheus scrapes at /metrics. One registry an application, so that tests do not share counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters and histograms of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "closeloop_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "closeloop_request_seconds",
            "Time from a request's first byte to its answer.",
            ("method", "route"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.texts_scored = Counter(
            "closeloop_texts_scored", "Texts that went through the models.", registry=self.registry
        )
        self.batch_texts = Histogram(
            "closeloop_batch_texts",
            "Texts in one forward pass.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
            registry=self.registry,
        )
        self.forward_seconds = Histogram(
            "closeloop_forward_seconds",
            "Time of one batch through the models.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.queue_seconds = Histogram(
            "closeloop_queue_seconds",
            "Time a text waits for the models.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.waiting_texts = Gauge(
            "closeloop_waiting_texts", "Texts waiting for the models.", registry=self.registry
        )
        self.outbox_entries = Gauge(
            "closeloop_outbox_entries",
            "Texts whose point in the index is behind the database.",
            registry=self.registry,
        )
        self.indexed = Counter(
            "closeloop_indexed", "Points brought up to date in the index.", registry=self.registry
        )
        # Over all tenants: metrics want no key, so they tell of nobody.
        self.complaints = Gauge(
            "closeloop_complaints",
            "Recurring complaints by status, as of the request for metrics.",
            ("status",),
            registry=self.registry,
        )
        self.complaint_alerts = Gauge(
            "closeloop_complaint_alerts",
            "Complaints that rise more than chance explains, by severity.",
            ("severity",),
            registry=self.registry,
        )
        self.complaint_alerts_raised = Gauge(
            "closeloop_complaint_alerts_raised",
            "Episodes ever raised, each return counted again; falls only when complaints are deleted.",
            registry=self.registry,
        )
        self.refits = Gauge(
            "closeloop_complaint_refits",
            "Refits by state; those that wait or run ought to become done.",
            ("state",),
            registry=self.registry,
        )
        self.notices_waiting = Gauge(
            "closeloop_complaint_notices_waiting", "Notices nobody has sent yet.", registry=self.registry
        )
