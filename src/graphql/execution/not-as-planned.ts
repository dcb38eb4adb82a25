/** Thrown where something is not of the usual kind. Says nothing, since the engine runs it then, and will say it. */
export class NotAsPlanned extends Error {}

/** One for all: nobody is shown where it comes from. */
export const NOT_PLANNED = new NotAsPlanned('not as planned');
