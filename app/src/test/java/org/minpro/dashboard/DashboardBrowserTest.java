package org.minpro.dashboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The dashboard in a real browser. */
final class DashboardBrowserTest {
    @TempDir
    Path folder;

    @Test
    void aPersonFindsCurvesAndTokens() throws Exception {
        assumeTrue(
                Browser.driver().isPresent(),
                "no browser: apt-get install chromium chromium-driver, to see the dashboard in one");
        Path runs = folder.resolve("runs");
        SyntheticRun.write(runs.resolve("0001"), 6, 6);
        SyntheticRun.write(runs.resolve("0002"), 3, 8);
        try (DashboardServer server =
                        DashboardServer.start(new RunDirectory(runs), "127.0.0.1", 0, folder.resolve("cache"));
                Browser browser = Browser.start()) {
            browser.open(server.url());
            browser.script("return document.querySelectorAll('tbody tr').length", rows -> rows.intValue() == 2);

            browser.open(server.url() + "#curves?run=0001");
            String reward = "return document.querySelector('[aria-label=reward]').plot.data";
            assertThat(browser.script(reward, data -> data.get(0).size() == 6).toString())
                    .isEqualTo("[[0,1,2,3,4,5],[0,0.0625,0.125,0.1875,0.25,0.3125]]");
            // What is recorded meanwhile appears by itself.
            SyntheticRun.iteration(runs.resolve("0001"), 6);
            browser.script(reward, data -> data.get(0).size() == 7);
            browser.open(server.url() + "#curves?run=0001&run=0002");
            browser.script(reward, data -> data.size() == 3);

            browser.open(server.url() + "#rollouts?run=0001");
            browser.script("return document.querySelectorAll('.list tbody tr').length", rows -> rows.intValue() == 21);
            browser.script("const select = document.querySelector('[name=undecided]'); select.value = 'true';"
                    + " select.dispatchEvent(new Event('change', {bubbles: true}))");
            browser.script("return document.querySelectorAll('.list tbody tr').length", rows -> rows.intValue() == 7);
            browser.open(server.url() + "#rollouts?run=0001&order=largest_ratio&recorded=true");
            browser.script(
                    "return document.querySelector('.list tbody tr td').innerText",
                    text -> text.stringValue().equals("6.0"));
            // By the keyboard alone: the rollout's link, then along its tokens.
            browser.script("document.querySelector('.list tbody a').focus()");
            browser.press("Enter", 13);
            browser.script("return document.querySelectorAll('.tokens').length", boxes -> boxes.intValue() == 3);
            browser.script("document.querySelector('.tokens').focus()");
            browser.press("ArrowRight", 39);
            browser.press("ArrowRight", 39);
            assertThat(browser.script("return document.querySelector('#numbers').innerText")
                            .stringValue())
                    .contains("token 1 ")
                    .contains("log π/μ 1.75")
                    .contains("min-prefix 0.875")
                    .contains("weight 1.25")
                    .contains("entropy 0.375");
            assertThat(browser.script("return document.querySelector('.tokens').children[1].className")
                            .stringValue())
                    .isEqualTo("up at");

            browser.open(server.url() + "#answers?run=0001");
            browser.script(
                    "return document.querySelector('[role=status]:not(#live)').innerText",
                    text -> text.stringValue().startsWith("1 better, 0 worse"));
            // Text of a model is text: no element of it is made.
            assertThat(browser.script("return document.querySelectorAll('main i').length")
                            .intValue())
                    .isZero();

            browser.open(server.url() + "#run?run=0001");
            browser.script(
                    "return document.body.innerText", text -> text.stringValue().contains("<b>mind</b> the step"));
            for (String view : new String[] {"runs", "curves?run=0001", "rollouts?run=0001", "answers?run=0001"}) {
                browser.size(360, 800);
                browser.open(server.url() + "#" + view);
                browser.script("return document.querySelector('h1') !== null", found -> found.booleanValue());
                assertThat(browser.script("return document.documentElement.scrollWidth")
                                .intValue())
                        .as("width of " + view)
                        .isLessThanOrEqualTo(360);
            }
            assertThat(browser.console()).isEmpty();
        }
    }
}
