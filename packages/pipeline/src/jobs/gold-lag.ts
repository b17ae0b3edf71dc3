/** How far Gold stands behind Silver (S7.4). */
export interface GoldLag {
  /** The newest version of Silver with rows that are new, or gone. */
  readonly silverVersion: number;
  /** The version that every Gold table stands for; null: none is known. */
  readonly goldVersion: number | null;
  /** Milliseconds since the first commit that Gold does not show yet; 0 when it shows all. */
  readonly behindMs: number;
}

/** Knows which commits of Silver Gold does not show yet. */
export interface GoldLagMeter {
  noteSilver(version: number): void;
  noteGold(silverVersion: number): void;
  lag(): GoldLag;
}

/** More are thinned out: of a long outage only its beginning is of interest. */
const mostCommits = 256;

/** @param goldVersion what the record of runs says; undefined: nothing. */
export function createGoldLagMeter(
  clock: () => number,
  silver: number,
  gold: number | undefined,
  goldSince: number,
): GoldLagMeter {
  let goldVersion = gold;
  let silverVersion = silver;
  let waiting: { readonly version: number; readonly at: number }[] =
    gold === silver ? [] : [{ version: silver, at: goldSince }];
  return {
    noteSilver(version) {
      silverVersion = version;
      waiting.push({ version, at: clock() });
      if (waiting.length > mostCommits) waiting = waiting.filter((_, index) => index % 2 === 0);
    },
    noteGold(version) {
      goldVersion = version;
      waiting = waiting.filter((commit) => commit.version > version);
    },
    lag() {
      const [first] = waiting;
      return {
        silverVersion,
        goldVersion: goldVersion ?? null,
        behindMs: first === undefined ? 0 : Math.max(0, clock() - first.at),
      };
    },
  };
}
