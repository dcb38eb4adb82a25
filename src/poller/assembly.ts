/** Connects the parts of the poller: what each of them needs of the others is written here and nowhere else. */
import type { Clock, Logger, Random } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { UpstreamClient } from '../upstream/client.ts';
import { Admission } from './admission.ts';
import { CallBudget } from './budget.ts';
import { Calls } from './calls.ts';
import { Checker } from './checker.ts';
import { Choice } from './choice.ts';
import { ClockSetBacks } from './clock-set-backs.ts';
import { Dispatcher } from './dispatcher.ts';
import { UpstreamGate } from './gate.ts';
import { GateKeeper } from './gate-keeper.ts';
import { GateLog } from './gate-log.ts';
import { Hold } from './hold.ts';
import { InFlight } from './in-flight.ts';
import type { KeyTrial } from './key-trial.ts';
import { ListTrust } from './list-trust.ts';
import { ListedEnds } from './listed-ends.ts';
import { Lookups } from './lookups.ts';
import { MissingCards } from './missing-cards.ts';
import { News } from './news.ts';
import { NextCall } from './next-call.ts';
import { Pacer } from './pace.ts';
import { Requests } from './requests.ts';
import { Sends } from './sends.ts';
import { Spare } from './spare.ts';
import { StoreFaults } from './store-faults.ts';
import { SweepPlanner } from './sweep-planner.ts';
import { Sweeps } from './sweeps.ts';
import { Watchers } from './watchers.ts';

export interface PollerOptions {
  readonly store: Store;
  readonly client: UpstreamClient;
  readonly apiKey: string;
  readonly callsPerMinute: number;
  /** Whether others may send orders with the same key: then calls are left for that. Not by default. */
  readonly mayShareKey?: boolean;
  /** `undefined` if the key needs no trial. */
  readonly keyTrial?: KeyTrial | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

/** The parts that the poller itself uses. */
export interface PollerParts {
  readonly lookups: Lookups;
  readonly watchers: Watchers;
  readonly dispatcher: Dispatcher;
  readonly calls: Calls;
  readonly gateKeeper: GateKeeper;
  readonly budget: CallBudget;
  readonly trust: ListTrust;
  readonly storeFaults: StoreFaults;
}

/** Rejects if the store fails. */
export async function assemble(options: PollerOptions): Promise<PollerParts> {
  const { store, keyTrial, clock, logger } = options;
  const state = await openState(options);
  const { hold, gate, budget, sends, watchers, trust, requests, inFlight } = state;
  const { listedEnds, missingCards } = state;
  const storeFaults = new StoreFaults({ clock, logger, onPause: (ms) => dispatcher.sleep(ms) });
  const keepBudget = () => budget.keep(store).catch((error: unknown) => storeFaults.met(error));
  const tryStore = async () => {
    // The answer of a call in flight will tell.
    if (inFlight.size > 0) return;
    await budget.keep(store).then(
      () => storeFaults.wrote(),
      (error: unknown) => storeFaults.met(error),
    );
  };
  const gateLog = new GateLog({ budget, logger });
  const gateKeeper = new GateKeeper({ gate, gateLog, hold, budget, keepBudget, requests, clock });
  const { choice, checker, sweeps } = lookParts(options, state);
  const calls = new Calls({
    checker,
    sweeps,
    gateKeeper,
    sends,
    inFlight,
    requests,
    listedEnds,
    missingCards,
    storeFaults,
    clock,
    onEnd: () => dispatcher.wake(),
  });
  const admission = new Admission({ gate, storeFaults, inFlight, clock });
  const spare = new Spare({ budget, clock });
  const nextCall = new NextCall({
    admission,
    budget,
    keepBudget,
    spare,
    choice,
    calls,
    requests,
    keyTrial,
  });
  const clockSetBacks = new ClockSetBacks({ schedule: store, watchers, clock, logger });
  const dispatcher = new Dispatcher({ nextCall, clockSetBacks, storeFaults, tryStore, clock });
  const lookups = new Lookups({ store, requests, inFlight, gateKeeper, dispatcher, clock });
  return { lookups, watchers, dispatcher, calls, gateKeeper, budget, trust, storeFaults };
}

/** What the poller keeps in memory. Some of it comes from what an earlier process noted. */
async function openState(options: PollerOptions) {
  const { store, apiKey, callsPerMinute, mayShareKey = false } = options;
  const { clock, random, logger, telemetry } = options;
  const hold = new Hold({ notebook: store, apiKey, clock, logger });
  const gate = new UpstreamGate(await hold.recall());
  const sends = new Sends({ mayShareKey, clock });
  await sends.recall(store);
  const budget = await CallBudget.recall({
    callsPerMinute,
    notebook: store,
    clock,
    reserved: () => sends.reserved,
  });
  const watchers = new Watchers({ clock, random });
  const pacer = new Pacer({ notebook: store, watchers, clock });
  await pacer.recall();
  return {
    hold,
    gate,
    sends,
    budget,
    watchers,
    pacer,
    trust: new ListTrust({ clock, logger, telemetry }),
    requests: new Requests({ gate, budget, clock }),
    listedEnds: new ListedEnds({ clock, logger }),
    missingCards: new MissingCards({ clock, random }),
    inFlight: new InFlight(clock),
  };
}

/** The parts that look at orders: which ones, and how. */
function lookParts(options: PollerOptions, state: Awaited<ReturnType<typeof openState>>) {
  const { store, client, clock, random, logger, telemetry } = options;
  const { watchers, pacer, trust, requests, listedEnds, missingCards, inFlight, gate } = state;
  const isBusy = (orderId: string) => inFlight.has(orderId) || missingCards.has(orderId);
  const mostBusy = () => inFlight.orders + missingCards.size;
  const isProbe = () => gate.isNextAProbe(clock.steady());
  const needsCheck = (orderId: string) =>
    missingCards.isPutOff(orderId) && !listedEnds.mayBeTaken(orderId);
  const sweepPlanner = new SweepPlanner({
    store,
    watchers,
    requests,
    pacer,
    trust,
    clock,
    isBusy: (orderId) => isBusy(orderId) || needsCheck(orderId),
  });
  const choice = new Choice({
    schedule: store,
    sweepPlanner,
    trust,
    requests,
    missingCards,
    watchers,
    pacer,
    clock,
    isBusy,
    mostBusy,
    isProbe,
    random,
  });
  const news = new News({ pacer, trust, logger, telemetry });
  const checker = new Checker({
    store,
    client,
    watchers,
    pacer,
    listedEnds,
    clock,
    random,
    logger,
    news,
  });
  const sweeps = new Sweeps({
    store,
    client,
    watchers,
    requests,
    pacer,
    sweepPlanner,
    trust,
    listedEnds,
    missingCards,
    news,
  });
  return { choice, checker, sweeps };
}
