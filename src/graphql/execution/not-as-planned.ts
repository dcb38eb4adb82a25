/**
 * Thrown if something is not as a plan needs it: the engine runs the operation then, and reports any fault. The same
 * error each time, since nobody looks at its stack.
 */
export const NOT_PLANNED = new Error('not as planned');
