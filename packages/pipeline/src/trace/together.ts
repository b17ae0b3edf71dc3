/**
 * Results of work under way, when all of it has ended: unlike with `Promise.all`, none of it goes on behind the back of
 * whoever is told of a failure.
 *
 * @throws the first failure, in the order of the list.
 */
export async function together<Result>(work: readonly Promise<Result>[]): Promise<Result[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
}
