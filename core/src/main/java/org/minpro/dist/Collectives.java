package org.minpro.dist;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.BroadcastOptions;
import org.bytedeco.pytorch.LongVector;
import org.bytedeco.pytorch.ProcessGroupGloo;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.Work;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * What the ranks do together, one thing after the other, each rank the same ones in the same order; one group of processes of
 * c10d. Whoever works beside it in another thread has a group of its own.
 *
 * <p>A rank that does not come in time ends the call in all the others with a {@link RankLostException}.
 */
public final class Collectives implements AutoCloseable {
    private final String name;
    private final int rank;
    private final int size;
    private final @Nullable ProcessGroupGloo group;
    private final @Nullable Liveness liveness;
    private final @Nullable SlowNetwork slow = SlowNetwork.ofProperty();
    private final AtomicLong sent = new AtomicLong();

    private Collectives(
            String name, int rank, int size, @Nullable ProcessGroupGloo group, @Nullable Liveness liveness) {
        this.name = name;
        this.rank = rank;
        this.size = size;
        this.group = group;
        this.liveness = liveness;
    }

    /** Of a process that is alone: everything comes back as it went. */
    public static Collectives alone() {
        return new Collectives("alone", 0, 1, null, null);
    }

    static Collectives open(String name, RankContext context, Store store, long limitMilliseconds, Liveness liveness) {
        try (PointerScope scope = new PointerScope()) {
            ProcessGroupGloo.Options options = ProcessGroupGloo.Options.create(new Milliseconds(limitMilliseconds));
            String networkInterface = context.networkInterface();
            options.devices()
                    .push_back(
                            networkInterface == null
                                    ? ProcessGroupGloo.createDeviceForHostname("127.0.0.1")
                                    : ProcessGroupGloo.createDeviceForInterface(networkInterface));
            ProcessGroupGloo group =
                    new ProcessGroupGloo(store, context.rank(), context.size(), options).retainReference();
            return new Collectives(name, context.rank(), context.size(), group, liveness);
        } catch (RuntimeException e) {
            throw liveness.lost("the ranks must reach each other, got: no connection in the group '" + name + "'", e);
        }
    }

    public int rank() {
        return rank;
    }

    public int size() {
        return size;
    }

    public boolean isAlone() {
        return size == 1;
    }

    /** Rank 0: it speaks, and owns the run's folder. */
    public boolean isFirst() {
        return rank == 0;
    }

    /** A rank with its host, for messages. */
    public String named(int of) {
        return liveness == null ? "rank " + of : liveness.named(of);
    }

    /** Bytes that this rank has given to others, each counted once for each receiver. */
    public long sentBytes() {
        return sent.get();
    }

    /**
     * Brings what each rank has to all of them.
     *
     * @param what it is, for the message where a rank does not come
     * @return what each rank gave, by rank
     */
    public byte[][] gather(String what, byte[] mine) {
        if (group == null) {
            return new byte[][] {mine};
        }
        long[] lengths = gather(what, mine.length);
        int longest = Math.toIntExact(Arrays.stream(lengths).max().orElse(0));
        byte[][] all = new byte[size][];
        if (longest == 0) {
            Arrays.setAll(all, of -> new byte[0]);
            return all;
        }
        try (PointerScope scope = new PointerScope()) {
            org.bytedeco.pytorch.Tensor given = torch.empty(new long[] {longest}, ofBytes(), null);
            bytes(given, longest).put(mine);
            org.bytedeco.pytorch.Tensor received = torch.empty(new long[] {(long) size * longest}, ofBytes(), null);
            complete(what, (long) (size - 1) * longest, () -> group._allgather_base(received, given));
            sent.addAndGet((long) (size - 1) * longest);
            ByteBuffer buffer = bytes(received, (long) size * longest);
            for (int of = 0; of < size; of++) {
                all[of] = new byte[Math.toIntExact(lengths[of])];
                buffer.position(of * longest).get(all[of]);
            }
        }
        return all;
    }

    /** The same for a number. */
    public long[] gather(String what, long mine) {
        if (group == null) {
            return new long[] {mine};
        }
        try (PointerScope scope = new PointerScope()) {
            org.bytedeco.pytorch.Tensor given = torch.tensor(new long[] {mine}, ofNumbers());
            org.bytedeco.pytorch.Tensor received = torch.empty(new long[] {size}, ofNumbers(), null);
            complete(what, (size - 1) * (long) Long.BYTES, () -> group._allgather_base(received, given));
            sent.addAndGet((size - 1) * (long) Long.BYTES);
            long[] all = new long[size];
            received.data_ptr_long().get(all);
            return all;
        }
    }

    /** Whether it is so on any rank. */
    public boolean any(String what, boolean mine) {
        return Arrays.stream(gather(what, mine ? 1 : 0)).anyMatch(one -> one != 0);
    }

    /**
     * Brings what rank 0 has to all.
     *
     * @param mine read on rank 0 alone
     */
    public byte[] ofFirst(String what, byte[] mine) {
        if (group == null) {
            return mine;
        }
        int length = Math.toIntExact(gather(what, isFirst() ? mine.length : 0)[0]);
        if (length == 0) {
            return new byte[0];
        }
        try (PointerScope scope = new PointerScope()) {
            org.bytedeco.pytorch.Tensor value = torch.empty(new long[] {length}, ofBytes(), null);
            if (isFirst()) {
                bytes(value, length).put(mine);
            }
            broadcast(what, value, 0, length);
            byte[] received = new byte[length];
            bytes(value, length).get(received);
            return received;
        }
    }

    /**
     * Overwrites a tensor on every rank with that of one of them.
     *
     * @param tensor of one shape and type on all ranks
     */
    public void broadcast(String what, Tensor tensor, int from) {
        if (group == null) {
            return;
        }
        try (Scope scope = Scope.open()) {
            Tensor here = tensor.inMemory();
            long bytes = bytesOf(here);
            if (bytes > 0) {
                broadcast(what, view(here, bytes), from, bytes);
            }
            put(here, tensor);
        }
    }

    private void broadcast(String what, org.bytedeco.pytorch.Tensor bytes, int from, long length) {
        BroadcastOptions options = new BroadcastOptions();
        options.rootRank(from);
        ProcessGroupGloo open = opened();
        complete(
                what,
                from == rank ? (size - 1) * length : length,
                () -> open.broadcast(new TensorVector(bytes), options));
        if (from == rank) {
            sent.addAndGet((size - 1) * length);
        }
    }

    /**
     * Gives each rank its part of what this one has, and takes this rank's parts of what the others have.
     *
     * @param given {@code [elements]}, the parts for rank 0, 1, ... one after the other
     * @param givenElements of each part
     * @param received {@code [elements]}, of the same type: the parts from rank 0, 1, ...
     * @param receivedElements of each part
     */
    public void exchange(String what, Tensor given, long[] givenElements, Tensor received, long[] receivedElements) {
        if (group == null) {
            received.copyInPlace(given);
            return;
        }
        long width = given.type().bytes();
        long[] giving =
                Arrays.stream(givenElements).map(elements -> elements * width).toArray();
        long[] taking = Arrays.stream(receivedElements)
                .map(elements -> elements * width)
                .toArray();
        long gives = Arrays.stream(giving).sum();
        long takes = Arrays.stream(taking).sum();
        long passing = Math.max(gives - giving[rank], takes - taking[rank]);
        try (Scope scope = Scope.open()) {
            Tensor taken = received.inMemory();
            org.bytedeco.pytorch.Tensor from = view(given.inMemory(), gives);
            org.bytedeco.pytorch.Tensor to = view(taken, takes);
            complete(
                    what, passing, () -> group.alltoall_base(to, from, new LongVector(taking), new LongVector(giving)));
            put(taken, received);
        }
        sent.addAndGet(gives - giving[rank]);
    }

    /**
     * Brings what each rank has to all of them.
     *
     * @param mine {@code [elements]}, as many on every rank
     * @param all {@code [ranks * elements]} of the same type: overwritten with what each rank gave, by rank
     */
    public void gather(String what, Tensor mine, Tensor all) {
        if (group == null) {
            all.copyInPlace(mine);
            return;
        }
        long bytes = mine.elements() * mine.type().bytes();
        if (bytes == 0) {
            return;
        }
        try (Scope scope = Scope.open()) {
            Tensor gathered = all.inMemory();
            org.bytedeco.pytorch.Tensor from = view(mine.inMemory(), bytes);
            org.bytedeco.pytorch.Tensor to = view(gathered, size * bytes);
            complete(what, (size - 1) * bytes, () -> group._allgather_base(to, from));
            put(gathered, all);
        }
        sent.addAndGet((size - 1) * bytes);
    }

    private ProcessGroupGloo opened() {
        if (group == null) {
            throw new IllegalStateException("a process that is alone has no group");
        }
        return group;
    }

    private interface Started {
        Work start();
    }

    /** @param bytes that this rank gives to others, or takes from them if that is more */
    private void complete(String what, long bytes, Started work) {
        Liveness others = liveness;
        if (others == null) {
            throw new IllegalStateException("a process that is alone has no group");
        }
        others.enter(name, what);
        try {
            work.start()._wait();
        } catch (RuntimeException e) {
            throw others.lost(what, e);
        }
        if (slow != null) {
            slow.pass(bytes);
        }
        others.leave(name);
    }

    /** Brings what came to where it was asked for. */
    private static void put(Tensor came, Tensor asked) {
        if (came != asked) {
            asked.copyInPlace(came);
        }
    }

    private static long bytesOf(Tensor tensor) {
        return tensor.elements() * tensor.type().bytes();
    }

    private static org.bytedeco.pytorch.Tensor view(Tensor tensor, long bytes) {
        if (bytesOf(tensor) < bytes) {
            throw new IllegalArgumentException(
                    "the parts must lie in the tensor of " + bytesOf(tensor) + " bytes, got: " + bytes);
        }
        return bytes == 0
                ? torch.empty(new long[] {0}, ofBytes(), null)
                : torch.from_blob(new Place(tensor.address()), new long[] {bytes}, ofBytes());
    }

    private static ByteBuffer bytes(org.bytedeco.pytorch.Tensor tensor, long length) {
        return new BytePointer(tensor.data_ptr())
                .capacity(length)
                .asByteBuffer()
                .order(ByteOrder.nativeOrder());
    }

    private static TensorOptions ofBytes() {
        return new TensorOptions(torch.ScalarType.Byte);
    }

    private static TensorOptions ofNumbers() {
        return new TensorOptions(torch.ScalarType.Long);
    }

    /** Memory that somebody else owns. */
    private static final class Place extends Pointer {
        Place(long address) {
            this.address = address;
        }
    }

    /** A native message without its stack. */
    static String firstLine(Throwable e) {
        String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        return message.replaceFirst("^\\[/[^]]*] ", "");
    }

    @Override
    public void close() {
        if (group != null) {
            group.close();
        }
    }
}
