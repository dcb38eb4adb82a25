/** Something is not as a plan needs it. Has no details: the engine runs the operation then, and reports any fault. */
export class NotAsPlanned extends Error {}

/** One instance for all throws, since nobody looks at its stack. */
export const NOT_PLANNED = new NotAsPlanned('not as planned');
