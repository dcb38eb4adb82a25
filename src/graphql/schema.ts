import { builder } from './builder.ts';
import './date-time.ts';
import './topup-status.ts';
import './topup-state.ts';
import './topup.ts';
import './history.ts';
import './gateway.ts';
import './query.ts';
import './subscription.ts';

export const schema = builder.toSchema();
