package io.stockledger.loadtest.engine;

/**
 * One thing to measure: a way of writing to the ledger, or of reading it, or what a shop would use instead. It runs
 * once, on its {@link Ground}, and adds {@code Figure}s to it; the order of the catalogue decides what ran before.
 *
 * <p>The whole contract: find names by {@link Ground#fresh}, so that nothing of an earlier run is met; prepare first,
 * then measure by {@link Ground#peak} (closed loop), {@link Ground#latency} (open loop) or by a clock of one's own;
 * add each figure with the goals of the issue that it answers to. Where something needed is not there, throw
 * {@link LeftOut} with the reason. Whatever else is thrown is told, and the run goes on with the next
 * workload.
 */
public interface Workload {
    /** Lower case, words apart by hyphens; its figures' names begin with it. */
    String name();

    /** What {@code --only} takes for several at once: {@code hot}, {@code spread}, {@code baseline} ... */
    String group();

    /** One line for {@code --list}: what is done, and what the figure says. */
    String about();

    /** About how long it takes, for the progress shown and for what {@code --list} says. */
    double seconds(Settings settings);

    void run(Ground ground) throws Exception;
}
