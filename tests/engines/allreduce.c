/* Each rank gives rank + 1; each prints the sum that MPI_Allreduce made of them, and on which node it ran. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words) {
    int rank, size, own, sum;
    const char *node = getenv("AZ_BATCH_NODE_ID");
    MPI_Init(&count, &words);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    own = rank + 1;
    MPI_Allreduce(&own, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    printf("rank %d of %d on %s: sum %d\n", rank, size, node ? node : "?", sum);
    MPI_Finalize();
    return 0;
}
