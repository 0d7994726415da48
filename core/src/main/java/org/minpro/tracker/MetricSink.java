package org.minpro.tracker;

import java.io.IOException;

/** Takes the numbers of one run as they come, in order, from one thread. */
public interface MetricSink {
    /**
     * Takes the numbers of a step.
     *
     * @throws IOException where they cannot be stored; the sink is then closed, and one opened anew gets all of them again
     */
    void log(MetricPoint point) throws IOException;

    /**
     * Ends it.
     *
     * @param end how the run ended
     */
    void close(End end) throws IOException;

    /** How a run ended, as far as this process goes. */
    enum End {
        FINISHED,
        /** It can be continued. */
        STOPPED,
        /** The sink failed, not the run. */
        SINK_FAILED
    }
}
