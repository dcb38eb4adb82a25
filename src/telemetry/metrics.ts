import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { GatewayStatus } from '../core/gateway-status.ts';
import type { PlanGivenUp, Telemetry } from '../core/telemetry.ts';
import { UPSTREAM_STATES } from '../core/upstream-status.ts';

const PREFIX = 'topup_gateway_';

/** Names and units by the conventions of Prometheus: base units, counters end in `_total`. */
export class Metrics implements Telemetry {
  readonly #registry = new Registry();
  readonly #setGauges = this.#statusGauges();
  readonly #logReadable = new Gauge({
    name: `${PREFIX}log_readable`,
    help: '1 while the log can be read, else 0; then there are only counters besides.',
    registers: [this.#registry],
  });
  #subscriptions = 0;

  readonly #upstreamCalls = new Counter({
    name: `${PREFIX}upstream_calls_total`,
    help: 'Calls to OneClickDz, by what they came to.',
    labelNames: ['operation', 'outcome'] as const,
    registers: [this.#registry],
  });

  readonly #upstreamCallSeconds = new Histogram({
    name: `${PREFIX}upstream_call_duration_seconds`,
    help: 'Duration of calls to OneClickDz.',
    labelNames: ['operation'] as const,
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30],
    registers: [this.#registry],
  });

  readonly #snapshots = new Counter({
    name: `${PREFIX}snapshots_total`,
    help: 'Snapshots appended to the log, by status.',
    labelNames: ['status'] as const,
    registers: [this.#registry],
  });

  readonly #lagSeconds = new Histogram({
    name: `${PREFIX}lag_seconds`,
    help: 'From the moment an order was processed, as OneClickDz tells it, to its snapshot.',
    buckets: [0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 3_600],
    registers: [this.#registry],
  });

  readonly #sweepsStopped = new Counter({
    name: `${PREFIX}sweeps_stopped_total`,
    help: 'Times that lists of OneClickDz could not be relied on, by what was wrong.',
    labelNames: ['reason'] as const,
    registers: [this.#registry],
  });

  readonly #leftOut = new Counter({
    name: `${PREFIX}orders_left_out_total`,
    help: 'Orders that a list of OneClickDz did not show, although it was relied on: checked one by one for a while.',
    registers: [this.#registry],
  });

  readonly #events = new Counter({
    name: `${PREFIX}events_sent_total`,
    help: 'Events handed to subscribers.',
    registers: [this.#registry],
  });

  readonly #querySeconds = new Histogram({
    name: `${PREFIX}query_duration_seconds`,
    help: 'Duration of GraphQL queries, checks that they waited for included.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
    registers: [this.#registry],
  });

  readonly #remembered = new Counter({
    name: `${PREFIX}answers_remembered_total`,
    help: 'GraphQL queries answered from memory: not in the durations of queries, since they take none.',
    registers: [this.#registry],
  });

  readonly #plansGivenUp = new Counter({
    name: `${PREFIX}plans_given_up_total`,
    help: 'Operations that ran a second time since their plan came to nothing, by why: `unplanned` and `fault` should stay rare.',
    labelNames: ['reason'] as const,
    registers: [this.#registry],
  });

  readonly #refused = new Counter({
    name: `${PREFIX}refused_total`,
    help: 'What clients were refused, by the limit that they went beyond.',
    labelNames: ['limit'] as const,
    registers: [this.#registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  get subscriptions(): number {
    return this.#subscriptions;
  }

  upstreamCall({ operation, outcome, durationMs }: Parameters<Telemetry['upstreamCall']>[0]): void {
    this.#upstreamCalls.inc({ operation, outcome });
    this.#upstreamCallSeconds.observe({ operation }, durationMs / 1_000);
  }

  snapshotAppended({ status, lagMs }: Parameters<Telemetry['snapshotAppended']>[0]): void {
    this.#snapshots.inc({ status });
    if (lagMs !== undefined) this.#lagSeconds.observe(lagMs / 1_000);
  }

  sweepsStopped(reason: string): void {
    this.#sweepsStopped.inc({ reason });
  }

  ordersLeftOut(count: number): void {
    this.#leftOut.inc(count);
  }

  eventSent(): void {
    this.#events.inc();
  }

  subscriptionOpened(): void {
    this.#subscriptions += 1;
  }

  subscriptionClosed(): void {
    this.#subscriptions -= 1;
  }

  /** @param limit the limit that a client exceeded. */
  refused(limit: string): void {
    this.#refused.inc({ limit });
  }

  answerRemembered(): void {
    this.#remembered.inc();
  }

  planGivenUp(reason: PlanGivenUp): void {
    this.#plansGivenUp.inc({ reason });
  }

  queryDone(durationMs: number): void {
    this.#querySeconds.observe(durationMs / 1_000);
  }

  /** The text that Prometheus scrapes. Gauges are set from `status`; without one they are left out. */
  async scrape(
    status: GatewayStatus | undefined,
  ): Promise<{ readonly contentType: string; readonly text: string }> {
    this.#logReadable.set(status === undefined ? 0 : 1);
    this.#setGauges(status);
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #statusGauges(): (status: GatewayStatus | undefined) => void {
    const plain: Gauge[] = [];
    const gauge = (name: string, help: string) => {
      const made = new Gauge({ name: `${PREFIX}${name}`, help, registers: [this.#registry] });
      plain.push(made);
      return made;
    };
    const tracked = new Gauge({
      name: `${PREFIX}orders_tracked`,
      help: 'Orders that are asked about, by status.',
      labelNames: ['status'] as const,
      registers: [this.#registry],
    });
    const overdue = gauge('orders_overdue', 'Tracked orders in progress for over 5 minutes.');
    const abandoned = gauge('orders_abandoned', 'Orders given up after seven days without an end.');
    const subscriptions = gauge('subscriptions', 'Open subscriptions.');
    const left = gauge('budget_calls_left', 'Calls that the budget has left this moment.');
    const perMinute = gauge('budget_calls_per_minute', 'Calls a minute allowed at present.');
    const startedAt = gauge('start_time_seconds', 'When the gateway started, Unix time.');
    const serving = gauge(
      'upstream_serving',
      '1 while OneClickDz answers, else 0: also from a start or a pause to the first good answer.',
    );
    // A set of states, since an alert must tell a key that is refused from a gateway that nobody has asked yet.
    const state = new Gauge({
      name: `${PREFIX}upstream_state`,
      help: '1 for the state that calls to OneClickDz are in, 0 for all others.',
      labelNames: ['state'] as const,
      registers: [this.#registry],
    });
    const writable = gauge(
      'log_writable',
      '1 while what OneClickDz answers can be written to the log, and will still be there after a restart, else 0.',
    );
    const sweeps = gauge('sweeps_on', '1 while lists of OneClickDz are relied on, else 0.');
    const delay = gauge('schedule_delay_seconds', 'How long the order due longest has been due.');
    return (status) => {
      if (status === undefined) {
        tracked.reset();
        state.reset();
        for (const each of plain) each.remove();
        return;
      }
      const { census, upstream, canRecord, isLogInPlace, scheduleDelayMs } = status;
      startedAt.set(status.startedAt / 1_000);
      for (const [name, count] of Object.entries(census.tracked)) {
        tracked.set({ status: name }, count);
      }
      overdue.set(census.overdue);
      abandoned.set(census.abandoned);
      subscriptions.set(status.subscriptions);
      left.set(upstream.budgetLeft);
      perMinute.set(upstream.callsPerMinute);
      writable.set(Number(canRecord && isLogInPlace));
      sweeps.set(Number(upstream.usesLists));
      delay.set(scheduleDelayMs / 1_000);
      serving.set(Number(upstream.state === 'SERVING'));
      for (const name of UPSTREAM_STATES)
        state.set({ state: name }, Number(name === upstream.state));
    };
  }
}
