/** The Node 24 among the dependencies; undefined when there is none for this platform. */
export function bundledNode(modules: string): string | undefined;
