package org.minpro.app;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleName;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;

import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** House rules for the classes of all modules; the boundaries between core's packages are beside core. */
@AnalyzeClasses(packages = "org.minpro", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule theAppDoesNotKnowTheBinding = noClasses()
            .that()
            .resideInAPackage("org.minpro.app..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco..");

    @ArchTest
    static final ArchRule nothingKnowsTheApp = noClasses()
            .that()
            .resideOutsideOfPackage("org.minpro.app..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.minpro.app..");

    @ArchTest
    static final ArchRule onlyTheAppPrints = noClasses()
            .that()
            .resideOutsideOfPackage("org.minpro.app..")
            .and(not(simpleName("PrintingListener")))
            .and(not(simpleName("SourceCompiler")))
            .should(ACCESS_STANDARD_STREAMS)
            .because("stdout carries the results of commands; what a library says goes to its listener; the sandbox's"
                    + " compiler is a process of its own, which is spoken to over its streams");

    @ArchTest
    static final ArchRule nothingSleeps = noClasses()
            .that(not(simpleName("HttpReward")))
            .and(not(simpleName("SourceCompiler")))
            .should()
            .callMethod(Thread.class, "sleep", long.class)
            .orShould()
            .callMethod(Thread.class, "sleep", long.class, int.class)
            .orShould()
            .callMethod(Thread.class, "sleep", java.time.Duration.class)
            .because("what is waited for can say when it is there; only a remote reward pauses between attempts,"
                    + " and a compiler's process looks whether it has been idle");

    @ArchTest
    static final ArchRule namesSayWhatAClassIs = noClasses()
            .should()
            .haveSimpleNameEndingWith("Util")
            .orShould()
            .haveSimpleNameEndingWith("Utils")
            .orShould()
            .haveSimpleNameEndingWith("Helper")
            .orShould()
            .haveSimpleNameEndingWith("Helpers")
            .orShould()
            .haveSimpleNameEndingWith("Manager");

    @ArchTest
    static final ArchRule publicClassesAreFinal = classes()
            .that()
            .arePublic()
            .and()
            .areNotInterfaces()
            .and()
            .areNotEnums()
            .and(describe("are not sealed", type -> !type.reflect().isSealed()))
            .should()
            .haveModifier(JavaModifier.FINAL)
            .because("behaviour is replaced behind an interface, not overridden");

    @ArchTest
    static final ArchRule staticFieldsAreFinal = fields().that()
            .areStatic()
            .and()
            .areDeclaredInClassesThat()
            .resideOutsideOfPackage("org.minpro.tensor..")
            .and()
            .areDeclaredInClassesThat()
            .doNotHaveSimpleName("NativeTokenizers")
            .should()
            .beFinal()
            .because("the only state of a process is which native code it has loaded");
}
