package org.minpro.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.minpro.verify.Verifier;

/**
 * Groups equal answers, and names the group that most of them are in.
 *
 * <p>Answers are equal if their texts are, or if the checker finds each right with the other as its reference. In order,
 * each joins the first group whose first answer equals it, else it begins one. Responses without an answer are a group
 * that wins only where nobody answers. Of groups of one size the one that began first wins.
 */
public final class MajorityVote {
    private final Verifier verifier;

    public MajorityVote(Verifier verifier) {
        this.verifier = verifier;
    }

    /** The ordinals of the completions that give the majority's answer, ascending; empty of no completions. */
    public List<Integer> winners(List<String> completions) {
        List<String> answers = new ArrayList<>();
        List<List<Integer>> groups = new ArrayList<>();
        List<Integer> silent = new ArrayList<>();
        for (int i = 0; i < completions.size(); i++) {
            Optional<String> answer = verifier.answer(completions.get(i));
            if (answer.isEmpty()) {
                silent.add(i);
                continue;
            }
            int group = 0;
            while (group < groups.size() && !equal(answers.get(group), answer.get())) {
                group++;
            }
            if (group == groups.size()) {
                answers.add(answer.get());
                groups.add(new ArrayList<>());
            }
            groups.get(group).add(i);
        }
        List<Integer> winners = groups.isEmpty() ? silent : groups.getFirst();
        for (List<Integer> group : groups) {
            if (group.size() > winners.size()) {
                winners = group;
            }
        }
        return List.copyOf(winners);
    }

    private boolean equal(String a, String b) {
        return a.equals(b)
                || verifier.compare(a, b).isRight() && verifier.compare(b, a).isRight();
    }
}
