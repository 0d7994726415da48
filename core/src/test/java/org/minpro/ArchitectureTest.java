package org.minpro;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The boundaries between packages. The rules for single classes, of all modules, are beside the last module. */
@AnalyzeClasses(packages = "org.minpro", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final DescribedPredicate<JavaClass> OURS = resideInAPackage("org.minpro..");

    @ArchTest
    static final ArchRule onlyTheTensorPackageKnowsTheBinding = noClasses()
            .that()
            .resideOutsideOfPackages("org.minpro.tensor..", "org.minpro.dist..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco..")
            .because("the binding can then be replaced");

    @ArchTest
    static final ArchRule verifyDependsOnTheJdkAlone = classes()
            .that()
            .resideInAPackage("org.minpro.verify..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("org.minpro.verify..", "java..", "org.jspecify.annotations")
            .because("it is used and fuzzed without 100 MB of natives");

    @ArchTest
    static final ArchRule jinjaDependsOnTheJdkAlone = classes()
            .that()
            .resideInAPackage("org.minpro.text.jinja..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("org.minpro.text.jinja..", "java..", "org.jspecify.annotations")
            .because("a template's language is a thing of its own, and a template may do nothing but make text");

    @ArchTest
    static final ArchRule tensorKnowsNothingOfOurs = of("tensor", "tensor");

    @ArchTest
    static final ArchRule ratiosKnowTensorsAlone = of("ratio", "ratio", "tensor");

    @ArchTest
    static final ArchRule objectivesKnowNothingOfModelsAndTrainers =
            of("objective", "objective", "ratio", "tensor", "config"); // its table of names

    @ArchTest
    static final ArchRule theTrainerKnowsNoConcreteObjective = noClasses()
            .that()
            .resideInAPackage("org.minpro.train..")
            .should()
            .dependOnClassesThat(describe(
                    "implement Objective",
                    type -> type.isAssignableTo("org.minpro.objective.Objective") && !type.isInterface()))
            .because("a newcomer adds an objective without touching it")
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule packagesAreFreeOfCycles =
            slices().matching("org.minpro.(*)..").should().beFreeOfCycles();

    /** Classes of a package name, of our packages, only the given ones. */
    private static ArchRule of(String name, String... known) {
        String[] packages = new String[known.length];
        for (int i = 0; i < known.length; i++) {
            packages[i] = "org.minpro." + known[i] + "..";
        }
        return noClasses()
                .that()
                .resideInAPackage("org.minpro." + name + "..")
                .should()
                .dependOnClassesThat(OURS.and(JavaClass.Predicates.resideOutsideOfPackages(packages)))
                .because("dependencies point one way: objective, ratio, tensor")
                .allowEmptyShould(true);
    }
}
