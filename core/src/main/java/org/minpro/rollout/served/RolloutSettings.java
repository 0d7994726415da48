package org.minpro.rollout.served;

import java.net.URI;
import java.util.HashSet;
import java.util.List;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.config.Variables;

/** Who samples: this process, or inference servers that new weights are pushed to. */
public record RolloutSettings(
        @Doc("local: this process samples. served: the servers of rollout.urls do; see docs/served.md.")
        Engine engine,

        @Doc("What the servers are: vllm or sglang.") Server server,

        @Doc("Addresses of the servers, such as [http://127.0.0.1:8100]; each is asked directly.")
        List<String> urls,

        @Doc("The model's name on the servers, --served-model-name.")
        String model,

        @Doc("What the servers' --api-key is, from the environment: ${NAME}; empty for none.")
        String apiKey,

        @Doc("Responses that a server generates at once, at most.")
        int concurrency,

        @Doc(
                "Folder that new weights are written to for the servers; empty takes served-weights in the run's folder. Two"
                        + " versions are kept.")
        String weightsFolder,

        @Doc("The same folder as the servers see it, where theirs has another path; empty where it has not.")
        String weightsPathOnServer,

        @Doc("Attempts at a response, all with the same seed, before the run stops, >= 1.")
        int attempts,

        @Doc("Longest time that one response may take, seconds, > 0.")
        double responseSeconds,

        @Doc("Longest time that a server may take for one step of new weights, seconds, > 0.")
        double publishSeconds,

        @Doc("How long all servers may be away before the run stops, seconds, > 0.")
        double outageSeconds,

        @Doc(
                "Largest difference between a server's log-probabilities and the trainer's at the same weights, nats, > 0; 0"
                        + " takes 0.001 where the trainer computes in float32, and 0.5 in bfloat16. The mean may be a fifth of it.")
        double mismatchBound) {
    /** Who samples. */
    public enum Engine {
        LOCAL,
        SERVED;

        @Override
        public String toString() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /** The servers' protocol. */
    public enum Server {
        VLLM,
        SGLANG;

        @Override
        public String toString() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    public RolloutSettings {
        urls = List.copyOf(urls);
        Rule.check(
                engine == Engine.LOCAL || !urls.isEmpty(),
                "urls",
                "at least one address with engine served, such as [http://127.0.0.1:8100]",
                urls);
        urls.forEach(url -> Rule.check(isAddress(url), "urls", "http or https addresses without a path", url));
        Rule.check(new HashSet<>(urls).size() == urls.size(), "urls", "different addresses", urls);
        Rule.check(!model.isBlank(), "model", "a name", "'" + model + "'");
        Rule.check(
                apiKey.isEmpty() || !Variables.names(apiKey).isEmpty(),
                "api-key",
                "from the environment, such as \"${VLLM_API_KEY}\" (a recipe is stored and printed)",
                "a key written out");
        Rule.positive("concurrency", concurrency);
        Rule.positive("attempts", attempts);
        requireTime("response-seconds", responseSeconds);
        requireTime("publish-seconds", publishSeconds);
        requireTime("outage-seconds", outageSeconds);
        Rule.check(
                mismatchBound >= 0 && Double.isFinite(mismatchBound),
                "mismatch-bound",
                ">= 0 and finite",
                mismatchBound);
    }

    private static void requireTime(String name, double seconds) {
        Rule.check(seconds > 0 && seconds <= 86_400, name, "in (0, 86400]", seconds);
    }

    private static boolean isAddress(String url) {
        try {
            URI uri = URI.create(url);
            return ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))
                    && uri.getHost() != null
                    && uri.getUserInfo() == null
                    && uri.getQuery() == null
                    && (uri.getPath().isEmpty() || uri.getPath().equals("/"));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** This process samples. */
    public RolloutSettings() {
        this(Engine.LOCAL, Server.VLLM, List.of(), "policy", "", 64, "", "", 4, 600, 600, 600, 0);
    }

    public boolean isServed() {
        return engine == Engine.SERVED;
    }
}
