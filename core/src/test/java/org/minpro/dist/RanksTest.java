package org.minpro.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class RanksTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    private Path temporary;

    @Test
    void bytesTensorsAndPartsGoWhereTheyBelong() throws Exception {
        List<Boolean> done = RanksInThreads.run(temporary.resolve("meeting"), 3, LIMIT, ranks -> {
            Collectives together = ranks.learning();
            byte[][] all = together.gather("bytes", new byte[ranks.rank()]);
            assertThat(all[0]).isEmpty();
            assertThat(all[2]).hasSize(2);
            assertThat(together.ofFirst("word", ranks.isFirst() ? new byte[] {7} : new byte[0]))
                    .containsExactly(7);
            assertThat(together.any("never", false)).isFalse();
            assertThat(together.any("once", ranks.rank() == 2)).isTrue();
            try (Scope scope = Scope.open()) {
                // Rank r gives r + 1 elements to each, all of them r.
                int own = ranks.rank() + 1;
                Tensor given = Tensor.full(Device.CPU, DType.F32, ranks.rank(), 3L * own);
                Tensor taken = Tensor.empty(Device.CPU, DType.F32, 6);
                together.exchange("parts", given, new long[] {own, own, own}, taken, new long[] {1, 2, 3});
                assertThat(taken.floats()).containsExactly(0, 1, 1, 2, 2, 2);
                together.broadcast("tensor", taken.narrow(0, 3, 2), 1);
                apart(together);
            }
            return together.sentBytes() > 0;
        });
        assertThat(done).containsOnly(true);
    }

    /** Tensors that do not lie in memory as they are sent, as those of a GPU do not: every second element of a longer one. */
    private static void apart(Collectives together) {
        int own = together.rank() + 1;
        Tensor given = every2nd(Tensor.full(Device.CPU, DType.F32, together.rank(), 2 * 3L * own));
        Tensor both = Tensor.full(Device.CPU, DType.F32, -1, 2 * 6);
        Tensor taken = every2nd(both);
        together.exchange("parts", given, new long[] {own, own, own}, taken, new long[] {1, 2, 3});
        assertThat(both.floats()).containsExactly(0, -1, 1, -1, 1, -1, 2, -1, 2, -1, 2, -1);
        Tensor all = Tensor.full(Device.CPU, DType.F32, -1, 2 * 3);
        together.gather("one each", every2nd(Tensor.full(Device.CPU, DType.F32, own, 2)), every2nd(all));
        assertThat(all.floats()).containsExactly(1, -1, 2, -1, 3, -1);
        together.broadcast("tensor", every2nd(all), 1);
        assertThat(all.floats()).containsExactly(1, -1, 2, -1, 3, -1);
        Tensor mine = Tensor.full(Device.CPU, DType.F32, own, 2);
        together.broadcast("tensor", every2nd(mine), 1);
        assertThat(mine.floats()).containsExactly(2, own);
    }

    private static Tensor every2nd(Tensor tensor) {
        return tensor.view(tensor.elements() / 2, 2).select(1, 0);
    }

    @Tag("slow")
    @Test
    void aRankThatDoesNotComeIsNamed() {
        assertThatThrownBy(() ->
                        Ranks.join(RanksInThreads.context(temporary.resolve("meeting"), 0, 2), Duration.ofMillis(400)))
                .isInstanceOf(RankLostException.class)
                .hasMessageContaining("all 2 ranks must come within ranks.limit-seconds (0.4), got: none of rank 1");
        assertThatThrownBy(() -> Ranks.join(
                        RanksInThreads.context(temporary.resolve("other"), 0, 2),
                        LIMIT,
                        () -> Optional.of("rank 1 has ended")))
                .hasMessage("rank 1 has ended");
    }

    @Test
    void aSecondProcessOfARankIsRefused() {
        Path meeting = temporary.resolve("meeting");
        Duration little = Duration.ofMillis(400);
        assertThatThrownBy(() -> Ranks.join(RanksInThreads.context(meeting, 1, 2), little))
                .hasMessageContaining("none of rank 0");
        assertThatThrownBy(() -> Ranks.join(RanksInThreads.context(meeting, 1, 2), little))
                .hasMessageContaining("a second one that is rank 1 of generation 0");
    }

    @Test
    @Tag("slow")
    void aRankThatDoesNotComeToACallIsNamedWithinTheLimit() throws Exception {
        List<String> messages = RanksInThreads.run(temporary.resolve("meeting"), 2, Duration.ofSeconds(2), ranks -> {
            if (ranks.rank() == 1) {
                // Alive for as long as the other waits and looks who is missing.
                new CompletableFuture<Void>()
                        .orTimeout(7, TimeUnit.SECONDS)
                        .exceptionally(late -> null)
                        .join();
                return "";
            }
            try {
                ranks.learning().gather("what never comes", 1);
                return "came";
            } catch (RankLostException e) {
                return String.valueOf(e.getMessage());
            }
        });
        assertThat(messages.getFirst())
                .startsWith("rank 1 on ")
                .contains("must come within ranks.limit-seconds (2.0)", "what never comes");
    }

    @Test
    void thePortIsOpenOnItsAddressAlone() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        RankContext.Meeting at = new RankContext.MeetingPort("127.0.0.1", port);
        CompletableFuture<Boolean> other = CompletableFuture.supplyAsync(() -> {
            try (Ranks ranks = Ranks.join(new RankContext(1, 2, 2, 5, at, null), LIMIT)) {
                return ranks.learning().any("anything", true);
            }
        });
        try (Ranks ranks = Ranks.join(new RankContext(0, 2, 2, 5, at, null), LIMIT)) {
            assertThat(ranks.learning().any("anything", false)).isTrue();
            assertThat(ranks.listensOnItsAddressAlone())
                    .isEqualTo(System.getProperty("os.name").startsWith("Linux"));
            if (ranks.listensOnItsAddressAlone()) {
                assertThat(answers("127.0.0.1", port)).isTrue();
                assertThat(answers("127.0.0.2", port)).isFalse();
            }
        }
        try {
            assertThat(other.join()).isTrue();
        } catch (CompletionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    private static boolean answers(String host, int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(host, port), 1000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
