package org.minpro.environment;

import java.util.List;
import org.minpro.data.Message;

/** How what an environment says becomes tokens that follow a turn of the policy. */
@FunctionalInterface
public interface Speech {
    /**
     * The ids between the last one of the policy's turn and the first one of its next turn.
     *
     * @param said at least one message
     * @param lastId the last id of the policy's turn, most often its stop id
     * @return at least one id
     */
    int[] ids(List<Message> said, int lastId);
}
